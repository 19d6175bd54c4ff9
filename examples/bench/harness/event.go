package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"example.com/paperround/deliver"
	"example.com/paperround/sign"
	"example.com/paperround/topic"
)

// Concurrency is how many exchanges each way may have under way: what
// deliver.Options has by default.
const Concurrency = 64

// JSONType is the content type of each event.
const JSONType = "application/json"

// Ring returns the keys that senders sign with and the sink verifies by.
func Ring() (*sign.Ring, error) {
	return sign.NewRing(sign.Key{ID: "1", Secret: sign.NewSecret("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")})
}

// Signer returns what every way signs with.
func Signer() (*sign.Signer, error) {
	ring, err := Ring()
	if err != nil {
		return nil, err
	}
	return sign.New(sign.StandardWebhooks(), ring, nil)
}

// Body returns the body of each event, an object of 1 KiB.
func Body() []byte {
	const head, tail = `{"note":"`, `"}`
	b := append([]byte(head), bytes.Repeat([]byte("x"), 1<<10-len(head)-len(tail))...)
	return append(b, tail...)
}

// Occurrence is an event that is easy to encode, the same in every way.
type Occurrence struct {
	Of   topic.Topic
	Body []byte
}

// Topic implements event.Event.
func (o Occurrence) Topic() topic.Topic { return o.Of }

// Encode implements event.Event.
func (o Occurrence) Encode() (body []byte, contentType string, err error) {
	return bytes.Clone(o.Body), JSONType, nil
}

// StampedID returns the id of the i-th message, by which the sink knows when it
// set out.
func StampedID(i int) string { return fmt.Sprintf("%d-%d", time.Now().UnixNano(), i) }

// PlainID returns the id of the i-th message where no time is taken.
func PlainID(i int) string { return "msg_" + strconv.Itoa(i) }

// Client returns a client of package deliver that may send to a sink.
func Client() (*deliver.Client, error) {
	return deliver.NewClient(&deliver.ClientOptions{
		Guard: deliver.Guard{Allow: deliver.Loopback(), AnyPort: true, PlainHTTP: true},
	})
}

// Transport returns what [Client] has, but for the guard: with the standard
// library's default of two idle connections a host, all would be slower.
func Transport() *http.Transport {
	return &http.Transport{
		DisableCompression:  true,
		ForceAttemptHTTP2:   true,
		MaxIdleConns:        1024,
		MaxIdleConnsPerHost: Concurrency,
		IdleConnTimeout:     90 * time.Second,
	}
}

// Poster returns a function that signs a body and posts it, and no more than that.
// It is safe for concurrent use.
func Poster(url string, signer *sign.Signer) func(ctx context.Context, id, contentType string, body []byte) error {
	transport := Transport()
	return func(ctx context.Context, id, contentType string, body []byte) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", contentType)
		if err := signer.Sign(req.Header, id, time.Now(), body); err != nil {
			return err
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return err
		}
		return Finish(resp)
	}
}

// Finish reads an answer to its end and insists on success.
func Finish(resp *http.Response) error {
	_, err := io.Copy(io.Discard, resp.Body)
	if resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("the answer is %d", resp.StatusCode)
	}
	return errors.Join(err, resp.Body.Close())
}
