package sqlstore_test

import (
	"context"
	"database/sql"
	"log"
	"os"

	"example.com/paperround/deliver"
	"example.com/paperround/deliver/sqlstore"
	"example.com/paperround/sign"
	"example.com/paperround/topic"
)

// Endpoints that customers register live beside the messages. Secrets stay where the
// host keeps them; here that is the environment.
func ExampleNewEndpoints() {
	ctx := context.Background()
	db, err := sql.Open("sqlite", "file:app.db?_txlock=immediate&_pragma=busy_timeout(5000)")
	if err != nil {
		log.Print(err) // here: this example has no driver
		return
	}
	store, err := sqlstore.New(db, sqlstore.SQLite, nil)
	if err != nil {
		log.Fatal(err)
	}
	client, err := deliver.NewClient(nil)
	if err != nil {
		log.Fatal(err)
	}
	signers := func(_ context.Context, tenant, secret string) (deliver.Signer, error) {
		ring, err := sign.NewRing(sign.Key{Secret: sign.NewSecret(os.Getenv("SECRET_" + tenant + "_" + secret))})
		if err != nil {
			return nil, err
		}
		return sign.New(sign.StandardWebhooks(), ring, nil)
	}
	endpoints, err := sqlstore.NewEndpoints(store, signers, &sqlstore.EndpointOptions{Check: client.Check})
	if err != nil {
		log.Fatal(err)
	}
	err = endpoints.Create(ctx, &sqlstore.Definition{
		Endpoint: deliver.Endpoint{
			ID: "billing", Tenant: "t7", URL: "https://hooks.example.com/in", Topics: []topic.Pattern{"inplayer:subscribe.*"},
		},
		Secret: "billing2026",
	})
	if err != nil {
		log.Fatal(err)
	}
	d, err := deliver.New(store, endpoints, &deliver.Options{Client: client})
	if err != nil {
		log.Fatal(err)
	}
	log.Print(d.Run(ctx))
}
