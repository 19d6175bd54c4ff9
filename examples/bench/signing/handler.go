package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	playground "github.com/go-playground/webhooks/v6/github"
	"github.com/google/go-github/v89/github"

	"example.com/paperround/event"
	"example.com/paperround/event/cleeng"
	"example.com/paperround/event/conscent"
	"example.com/paperround/event/eventtest"
	"example.com/paperround/examples/bench/ratio"
	"example.com/paperround/sign"
	"example.com/paperround/topic"
	"example.com/paperround/verify"
)

// handled is one event in a request, and the handlers that verify it, route it
// by its topic, decode it into its type and answer 200.
type handled struct {
	name  string
	fx    *fixture
	cases []ratio.Case
}

const (
	oursHandler = "paperround Handler and Router"
	usualRecipe = "the usual recipe"
)

// handledCases are the events of some 1 KiB: of Cleeng, one long string among
// short ones; of ConsCent, many short values; of GitHub, a push.
func handledCases() ([]handled, error) {
	transaction, ok := eventtest.New(topic.CleengTransactionCreated).(*cleeng.TransactionCreated)
	if !ok {
		return nil, errors.New("the example of Cleeng is of another type")
	}
	transaction.ExternalData = strings.Repeat("cart 77, gift for a friend; ", 24)
	cleengBody, _, err := transaction.Encode()
	if err != nil {
		return nil, err
	}
	var conscentBody, push bytes.Buffer
	if err := json.Compact(&conscentBody, eventtest.Sample(topic.ConsCentTransactionComplete)); err != nil {
		return nil, err
	}
	if err := json.Compact(&push, []byte(gitHubPush)); err != nil {
		return nil, err
	}
	fromCleeng, err := ourHandler[*cleeng.TransactionCreated]("Cleeng transactionCreated",
		sign.Cleeng("X-Cleeng-Signature", sign.Hex), cleeng.Codec(), cleengBody)
	if err != nil {
		return nil, err
	}
	fromConsCent, err := ourHandler[*conscent.TransactionComplete]("ConsCent transaction.complete",
		sign.ConsCent(), conscent.Codec(), conscentBody.Bytes())
	if err != nil {
		return nil, err
	}
	fromGitHub, err := gitHubHandlers(push.Bytes())
	if err != nil {
		return nil, err
	}
	fromCleeng.add(usualRecipe, recipe("X-Cleeng-Signature", fromCleeng.fx.key, decodeCleeng))
	fromConsCent.add(usualRecipe, recipe("X-Conscent-Signature", fromConsCent.fx.key, decodeConsCent))
	return []handled{fromCleeng, fromConsCent, fromGitHub}, nil
}

// add adds a handler. Each gets a request of its own, and all are served alike.
func (h *handled) add(name string, handler http.Handler) {
	x := newExchange(h.fx.header, h.fx.body)
	h.cases = append(h.cases, ratio.Case{Name: name, Op: func() error { return x.serve(handler) }})
}

// ourHandler is the handler of this library with one route.
func ourHandler[T any](name string, s sign.Scheme, c *event.Codec, body []byte) (handled, error) {
	h := handled{name: name}
	var err error
	if h.fx, err = newFixture(s, body); err != nil {
		return h, err
	}
	v, err := verify.New(s, h.fx.ring, nil)
	if err != nil {
		return h, err
	}
	router, err := verify.NewRouter(c, verify.On(func(_ context.Context, d *verify.Delivery[T]) error {
		return take(d.Event)
	}))
	if err != nil {
		return h, err
	}
	handler, err := verify.Handler(v, router, nil)
	if err != nil {
		return h, err
	}
	h.cases = []ratio.Case{floorCase(h.fx)}
	h.add(oursHandler, handler)
	return h, nil
}

// take is where every handler leaves its event.
func take(e any) error {
	if e == nil {
		return errors.New("there is no event")
	}
	return nil
}

// recipe is what one finds in most receivers: the whole body, a fresh HMAC, a
// comparison in constant time, the envelope with its data raw, and the data into a
// type by the topic. It has no limit and does not mind duplicate keys.
func recipe(header string, key []byte, decode func(body []byte) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		mac := hmac.New(sha256.New, key)
		mac.Write(body)
		tag, err := hex.DecodeString(r.Header.Get(header))
		if err != nil || !hmac.Equal(tag, mac.Sum(nil)) {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		e, err := decode(body)
		if err != nil || take(e) != nil {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusOK)
	})
}

func decodeCleeng(body []byte) (any, error) {
	var envelope struct {
		BroadcasterID int64           `json:"broadcasterId"`
		Topic         string          `json:"topic"`
		Data          json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return nil, err
	}
	switch envelope.Topic {
	case "transactionCreated":
		var e plainTransactionCreated
		err := json.Unmarshal(envelope.Data, &e)
		return &e, err
	default:
		return nil, errors.New("the topic is unknown")
	}
}

func decodeConsCent(body []byte) (any, error) {
	var envelope struct {
		Event      string          `json:"event"`
		UserID     string          `json:"user_id"`
		Contains   []string        `json:"contains"`
		Payload    json.RawMessage `json:"payload"`
		ClientInfo plainClientInfo `json:"client_info"`
		CreatedAt  int64           `json:"created_at"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return nil, err
	}
	switch envelope.Event {
	case "transaction.complete":
		var e plainTransactionComplete
		err := json.Unmarshal(envelope.Payload, &e)
		return &e, err
	default:
		return nil, errors.New("the event is unknown")
	}
}

// gitHubHandlers are those of the peers that decode. Theirs is another event in
// another type, so they are set against the floor, and not against ours.
func gitHubHandlers(body []byte) (handled, error) {
	h := handled{name: "GitHub push"}
	var err error
	if h.fx, err = newFixture(sign.GitHub(), body); err != nil {
		return h, err
	}
	h.fx.header.Set("X-GitHub-Event", "push")
	hook, err := playground.New(playground.Options.Secret(h.fx.secret))
	if err != nil {
		return h, err
	}
	h.cases = []ratio.Case{floorCase(h.fx)}
	h.add("go-github ValidatePayload and ParseWebHook", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		payload, err := github.ValidatePayload(r, h.fx.key)
		if err != nil {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		e, err := github.ParseWebHook(github.WebHookType(r), payload)
		if err != nil {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		answerPush[*github.PushEvent](w, e)
	}))
	h.add("go-playground Parse", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e, err := hook.Parse(r, playground.PushEvent)
		if err != nil {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		answerPush[playground.PushPayload](w, e)
	}))
	return h, nil
}

func answerPush[T any](w http.ResponseWriter, e any) {
	if _, ok := e.(T); !ok || take(e) != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusOK)
}
