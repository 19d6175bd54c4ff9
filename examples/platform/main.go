// Command platform is the backend of a small subscription platform. A business
// transaction creates a subscription and publishes the webhook that tells of it,
// in one commit: there is never the one without the other. What was committed is
// delivered however often the process dies and is started again.
//
//	go run . -secrets secrets                    # SQLite, in the file platform.db
//	go run . -secrets secrets -dsn postgres://…  # PostgreSQL, any number of processes
//
// It offers
//
//	PUT /endpoints/{id}      {"tenant": "t-7", "url": "https://…", "secret": "billing"}
//	PUT /subscriptions/{id}  {"tenant": "t-7", "customer": 88607, "email": "kofi@example.org", "item": 64521, "amount": "7.99"}
//
// and both may be repeated. The secret of an endpoint is in the file of its name,
// in the folder of its tenant, in the folder of secrets. SIGTERM lets what is under
// way finish.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"example.com/paperround/deliver"
	"example.com/paperround/deliver/sqlstore"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "platform:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, logs io.Writer) error {
	flags := flag.NewFlagSet("platform", flag.ContinueOnError)
	flags.SetOutput(logs)
	listen := flags.String("listen", "127.0.0.1:8080", "address to serve on")
	dsn := flags.String("dsn", "platform.db", "a file for SQLite, or postgres://…")
	secretsDir := flags.String("secrets", "secrets", "folder of the secrets, one folder for each tenant in it")
	lease := flags.Duration("lease", 10*time.Second, "for how long a process that died keeps its share of the endpoints")
	loopback := flags.Bool("loopback", false, "let endpoints be on this machine and without TLS, to try things out")
	if err := flags.Parse(args); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(logs, nil))

	db, dialect, err := open(*dsn)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // what matters was committed
	if err := createTables(ctx, db); err != nil {
		return err
	}
	store, err := sqlstore.New(db, dialect, nil)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	if err := store.Migrate(ctx); err != nil {
		return err
	}

	var guard deliver.Guard
	if *loopback {
		guard = deliver.Guard{Allow: deliver.Loopback(), AnyPort: true, PlainHTTP: true}
	}
	client, err := deliver.NewClient(&deliver.ClientOptions{Guard: guard})
	if err != nil {
		return err
	}
	secrets, err := openSecrets(*secretsDir)
	if err != nil {
		return err
	}
	defer func() { _ = secrets.close() }()
	endpoints, err := sqlstore.NewEndpoints(store, secrets.signer, &sqlstore.EndpointOptions{Check: client.Check})
	if err != nil {
		return err
	}
	dispatcher, err := deliver.New(store, endpoints, &deliver.Options{Client: client, Lease: *lease, Logger: log})
	if err != nil {
		return err
	}

	b := &backend{db: db, store: store, endpoints: endpoints, dispatcher: dispatcher, log: log}
	return serve(ctx, *listen, b, log)
}

// serve answers requests and delivers until ctx ends. Then it lets the requests
// finish first, since they publish, and what they published is delivered by the next
// process if not by this one.
func serve(ctx context.Context, address string, b *backend, log *slog.Logger) error {
	delivering, stopDelivering := context.WithCancel(context.WithoutCancel(ctx))
	defer stopDelivering()
	delivered := make(chan error, 1)
	go func() { delivered <- b.dispatcher.Run(delivering) }()

	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: b.handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	log.Info("serving", "address", l.Addr().String())

	var failed error
	select {
	case <-ctx.Done():
		finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		failed = server.Shutdown(finish)
	case failed = <-served:
	}
	stopDelivering()
	return errors.Join(failed, <-delivered)
}
