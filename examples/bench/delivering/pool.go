package main

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wmhttp "github.com/ThreeDotsLabs/watermill-http/v2/pkg/http"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/hashicorp/go-retryablehttp"
	"golang.org/x/sync/errgroup"

	"example.com/paperround/examples/bench/harness"
	"example.com/paperround/sign"
)

// The ways that are compared.
const (
	wayPool      = "bare pool"
	wayRetryable = "retryablehttp"
	wayWatermill = "watermill-http"
	wayOurs      = "paperround"
)

// pooled delivers with as many goroutines as may be, each one event after the other.
func pooled(post func(ctx context.Context, id string) error) way {
	return func(ctx context.Context, first, n int) error {
		group, ctx := errgroup.WithContext(ctx)
		jobs := make(chan int)
		for range harness.Concurrency {
			group.Go(func() error {
				for i := range jobs {
					if err := post(ctx, harness.PlainID(i)); err != nil {
						return err
					}
				}
				return nil
			})
		}
	feed:
		for i := range n {
			select {
			case jobs <- first + i:
			case <-ctx.Done():
				break feed
			}
		}
		close(jobs)
		return group.Wait()
	}
}

// newPool is the floor: it signs and posts, and does nothing for what fails.
func newPool(j job, signer *sign.Signer) way {
	post, ev := harness.Poster(j.Sink+j.Path, signer), harness.Occurrence{Body: harness.Body()}
	return pooled(func(ctx context.Context, id string) error {
		body, contentType, err := ev.Encode()
		if err != nil {
			return err
		}
		return post(ctx, id, contentType, body)
	})
}

func newRetryable(j job, signer *sign.Signer) way {
	client := retryablehttp.NewClient()
	client.HTTPClient = &http.Client{Transport: harness.Transport()}
	client.Logger = nil
	ev := harness.Occurrence{Body: harness.Body()}
	return pooled(func(ctx context.Context, id string) error {
		body, contentType, err := ev.Encode()
		if err != nil {
			return err
		}
		req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, j.Sink+j.Path, body)
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", contentType)
		if err := signer.Sign(req.Header, id, time.Now(), body); err != nil {
			return err
		}
		resp, err := client.Do(req) //nolint:bodyclose // Finish closes it
		if err != nil {
			return err
		}
		return harness.Finish(resp)
	})
}

func newWatermill(j job, signer *sign.Signer) (way, error) {
	publisher, err := wmhttp.NewPublisher(wmhttp.PublisherConfig{
		Client: &http.Client{Transport: harness.Transport()},
		MarshalMessageFunc: func(url string, msg *message.Message) (*http.Request, error) {
			req, err := http.NewRequestWithContext(msg.Context(), http.MethodPost, url, bytes.NewReader(msg.Payload))
			if err != nil {
				return nil, err
			}
			req.Header.Set("Content-Type", harness.JSONType)
			return req, signer.Sign(req.Header, msg.UUID, time.Now(), msg.Payload)
		},
	}, watermill.NopLogger{})
	if err != nil {
		return nil, err
	}
	ev := harness.Occurrence{Body: harness.Body()}
	return pooled(func(ctx context.Context, id string) error {
		body, _, err := ev.Encode()
		if err != nil {
			return err
		}
		msg := message.NewMessage(id, body)
		msg.SetContext(ctx)
		return publisher.Publish(j.Sink+j.Path, msg) // it takes 3xx for success; the sink counts
	}), nil
}
