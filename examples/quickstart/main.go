// Command quickstart runs the main job end to end, on this machine only: it
// emits webhooks of three providers, signs and delivers them over HTTPS,
// verifies them and hands them to typed handlers. On the way a receiver is down
// for a second, a body is tampered with, a key is rotated, and a topic turns up
// that nobody has heard of.
//
//	go run ./examples/quickstart
//
// It prints what happened and exits with 1 when anything went otherwise.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"example.com/paperround/deliver"
	"example.com/paperround/event"
	"example.com/paperround/event/cleeng"
	"example.com/paperround/event/conscent"
	"example.com/paperround/event/eventtest"
	"example.com/paperround/event/inplayer"
	"example.com/paperround/sign"
	"example.com/paperround/topic"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 9*time.Second)
	defer cancel()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// What is published, before and after InPlayer's key is rotated. Each topic
// stands once, so that the account can go by topics.
func editions() (first, second []event.Event, err error) {
	samples := func(decode func([]byte) (event.Event, error), topics ...topic.Topic) []event.Event {
		var events []event.Event
		for _, t := range topics {
			ev, decodeErr := decode(eventtest.Sample(t))
			err = errors.Join(err, decodeErr)
			events = append(events, ev)
		}
		return events
	}
	first = samples(cleeng.Decode, topic.CleengPassCreated, topic.CleengTransactionCreated)
	first = append(first, &event.Unknown{
		Of:          "cleeng:giftRedeemed",
		ContentType: event.ContentTypeJSON,
		Body:        []byte(`{"broadcasterId":401882913,"topic":"giftRedeemed","data":{"giftId":"G-77"}}`),
	})
	first = append(first, samples(inplayer.Decode, topic.InPlayerCustomerRegistered, topic.InPlayerSubscribeSuccess)...)
	first = append(first, samples(conscent.Decode, topic.ConsCentTransactionComplete)...)
	second = samples(inplayer.Decode, topic.InPlayerAssetAccessGranted, topic.InPlayerPaymentCardFailed)
	second = append(second, samples(conscent.Decode, topic.ConsCentOldMicroPayment)...)
	return first, second, err
}

func run(ctx context.Context, out io.Writer) error {
	secrets := newSecrets()
	acc := newAccount()

	// The receiving side: one HTTPS server per provider.
	servers, err := startReceivers(secrets, acc)
	if err != nil {
		return err
	}
	defer servers.close()

	// The emitting side: one endpoint per receiver, each signed as its provider
	// signs, and a dispatcher over a store in memory.
	inplayerRing, err := sign.NewRing(secrets.inplayerOld)
	if err != nil {
		return err
	}
	endpoints, err := newEndpoints(secrets, servers, inplayerRing)
	if err != nil {
		return err
	}
	client, err := deliver.NewClient(&deliver.ClientOptions{
		Guard:   deliver.Guard{Allow: deliver.Loopback(), AnyPort: true}, // anything else stays refused
		RootCAs: servers.roots,
	})
	if err != nil {
		return err
	}
	d, err := deliver.New(deliver.NewMemory(nil), endpoints, &deliver.Options{
		Client: client,
		Policy: &deliver.Policy{Schedule: []time.Duration{100 * time.Millisecond, time.Second}},
		Hooks:  deliver.Hooks{Attempted: acc.attempted, Settled: acc.settled},
	})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	stopped := make(chan error, 1)
	go func() { stopped <- d.Run(running) }()

	first, second, err := editions()
	if err != nil {
		return err
	}
	publish := func(events []event.Event) error {
		for _, ev := range events {
			acc.publishing(ev)
			if _, err := d.Publish(ctx, ev, nil); err != nil {
				return err
			}
		}
		return acc.wait(ctx)
	}
	if err := publish(first); err != nil {
		return err
	}
	// Rotation: the receiver has known both keys all along, the sender moves on.
	if err := inplayerRing.Replace(secrets.inplayerNew); err != nil {
		return err
	}
	if err := publish(second); err != nil {
		return err
	}

	stop()
	if err := <-stopped; err != nil {
		return err
	}
	if err := acc.print(out); err != nil {
		return err
	}
	return acc.check(expected())
}

func newEndpoints(secrets secrets, servers *receivers, inplayerRing *sign.Ring) (*deliver.StaticDirectory, error) {
	cleengRing, err := sign.NewRing(secrets.cleeng)
	if err != nil {
		return nil, err
	}
	cleengSigner, err := sign.New(cleengScheme(), cleengRing, nil)
	if err != nil {
		return nil, err
	}
	inplayerSigner, err := sign.New(sign.InPlayer(), inplayerRing, nil)
	if err != nil {
		return nil, err
	}
	// ConsCent sends credentials and a signature.
	consCentRing, err := sign.NewRing(secrets.consCent)
	if err != nil {
		return nil, err
	}
	consCentHMAC, err := sign.New(sign.ConsCent(), consCentRing, nil)
	if err != nil {
		return nil, err
	}
	consCentBasic, err := sign.NewBasic(secrets.consCentUser, secrets.consCentPassword)
	if err != nil {
		return nil, err
	}
	consCentSigner, err := sign.All(consCentBasic, consCentHMAC)
	if err != nil {
		return nil, err
	}
	return deliver.Static(
		&deliver.Endpoint{
			ID: "cleeng", URL: servers.cleeng.URL, Topics: []topic.Pattern{"cleeng:*"}, Signer: cleengSigner,
			ExactOK:     true, // Cleeng takes 200 as success and documents no other status
			Concurrency: 1,    // so that the first event is the one that meets the receiver while it is down
		},
		&deliver.Endpoint{ID: "inplayer", URL: servers.inplayer.URL, Topics: []topic.Pattern{topic.InPlayerAny}, Signer: inplayerSigner},
		&deliver.Endpoint{ID: "conscent", URL: servers.consCent.URL, Topics: []topic.Pattern{"conscent:*"}, Signer: consCentSigner},
	)
}
