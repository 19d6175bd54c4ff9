package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"example.com/paperround/deliver"
	"example.com/paperround/deliver/sqlstore"
	"example.com/paperround/event"
	"example.com/paperround/event/inplayer"
	"example.com/paperround/sign"
	"example.com/paperround/topic"
)

// must stands for the error handling of a real program.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// This is what the README shows of a store that outlives its process.
func Example_durable() {
	got := make(chan string, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got <- r.Method + " " + r.Header.Get("Content-Type")
	}))
	defer receiver.Close()
	folder := must(os.MkdirTemp("", "platform"))
	defer func() { _ = os.RemoveAll(folder) }()
	file := filepath.Join(folder, "app.db")
	endpoints := must(deliver.Static(&deliver.Endpoint{
		ID: "app", URL: receiver.URL, Topics: []topic.Pattern{topic.InPlayerAny}, Signer: must(sign.NewBasic("user", sign.NewSecret("password"))),
	}))
	options := &deliver.Options{Client: must(deliver.NewClient(&deliver.ClientOptions{
		Guard: deliver.Guard{Allow: deliver.Loopback(), AnyPort: true, PlainHTTP: true}, PlaintextCredentials: true,
	}))}
	created := event.NewTime(time.Unix(1724233622, 0), event.UnixSeconds)
	ev := &inplayer.SubscribeSuccess{Envelope: inplayer.Envelope{EventID: "WHE-1", Created: created}, Amount: event.NewDecimal(799, 2)}
	insert := "INSERT INTO subscriptions (tenant, id, customer, item, amount) VALUES ('', 's-1', 88607, 64521, '7.99')"
	ctx, stop := context.WithCancel(context.Background())

	db := must(sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=busy_timeout(10000)"))
	store := must(sqlstore.New(db, sqlstore.SQLite, nil)) // or sqlstore.PostgreSQL, with the driver that you have
	fmt.Println(store.Migrate(ctx), createTables(ctx, db))
	d := must(deliver.New(store, endpoints, options))
	stopped := make(chan error, 1)
	go func() { stopped <- d.Run(ctx) }()

	tx := must(db.BeginTx(ctx, nil))
	_ = must(tx.ExecContext(ctx, insert))
	_ = must(d.Publish(ctx, ev, &deliver.PublishOptions{In: store.Tx(tx)})) // in the same commit, or not at all
	fmt.Println(tx.Commit())
	d.Wake() // nobody waits for the next poll

	fmt.Println(<-got)
	stop()
	fmt.Println(<-stopped, store.Close(), db.Close())

	// Output:
	// <nil> <nil>
	// <nil>
	// POST application/x-www-form-urlencoded
	// <nil> <nil> <nil>
}
