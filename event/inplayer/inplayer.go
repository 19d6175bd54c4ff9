package inplayer

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"

	"example.com/paperround/event"
	"example.com/paperround/event/internal/codec"
	"example.com/paperround/event/internal/form"
	"example.com/paperround/topic"
)

// ContentType is the content type of InPlayer's webhooks.
const ContentType = "application/x-www-form-urlencoded"

// Style is the order in which a sender writes the keys of a form.
type Style uint8

const (
	// Sorted writes all keys in byte order. It is the zero value.
	Sorted Style = iota
	// PHP writes id, created, type, version, then the resource in the order in
	// which the struct has its fields.
	PHP
)

// Envelope is what every InPlayer webhook carries beside its type and resource.
type Envelope struct {
	// EventID is the key id: unique for each event, opaque. Whether a provider's
	// retry keeps it is not documented. Encoding requires it.
	EventID string

	// Created is when the event was made, in seconds since 1970. Encoding
	// requires it.
	Created event.Time

	// Version is the version of InPlayer's webhook service, such as 2.4.2; nil
	// when the body has none, as those in sorted order do.
	Version *string

	// Style is the order of the keys: what [Decode] saw and what Encode writes.
	Style Style
}

func (e *Envelope) envelope() *Envelope { return e }

// enveloped is every event type of this package.
type enveloped interface {
	event.Event
	envelope() *Envelope
}

// Resource is the payload of a topic that nobody published: the values of each
// key, without the "resource" in front: "[item_id]", "[metadata][clientId]". Nil
// is none.
type Resource map[string][]string

// rawResource is an event whose payload nobody published.
type rawResource interface{ resource() *Resource }

// Codec returns the codec of this package, for a router.
func Codec() *event.Codec {
	c, _ := event.NewCodec(Decode, types()...) // cannot fail: a function and types are there
	return c
}

// Decode turns a request body into its typed event, or into [*event.Unknown]
// for a topic that has no type here. An id or a time of making that is missing is
// no error, and the label subscribe.canceled, with one l, stands for
// subscribe.cancelled, which is what encoding writes. Keys that a newer body brings are no
// error, nor is a resource key given twice, of which the last counts, as in
// PHP; a key of the envelope given twice is refused. It does not keep body. The
// error is an [*event.Error].
func Decode(body []byte) (event.Event, error) {
	pairs, err := form.Parse(body)
	if err != nil {
		return nil, err
	}
	env, name, err := readEnvelope(pairs)
	if err != nil {
		return nil, err
	}
	e, ok := byWire([]byte(canonical(name))).(enveloped)
	if !ok {
		return &event.Unknown{
			Of:          topic.InPlayer.Topic(name),
			ContentType: ContentType,
			Body:        bytes.Clone(body),
		}, nil
	}
	*e.envelope() = env
	raw, isRaw := e.(rawResource)
	for _, p := range pairs {
		root, path, ok := form.Split(p.Key)
		switch {
		case !ok:
			return nil, &event.Error{
				Topic: e.Topic(), Field: form.Label(p.Key), Offset: p.Offset,
				Reason: "the brackets of the key do not match", Err: event.ErrMalformed,
			}
		case root != "resource":
			continue
		case isRaw:
			raw.resource().add(path, p.Value)
			continue
		case path == "":
			return nil, &event.Error{
				Topic: e.Topic(), Field: form.Label(p.Key), Offset: p.Offset,
				Reason: "want resource[...]", Err: event.ErrMistyped,
			}
		}
		if err := form.Decode(e, path, p); err != nil {
			return nil, withTopic(err, e.Topic())
		}
	}
	return e, nil
}

// canonical returns the label that stands for another spelling of it: for some
// weeks the documentation wrote subscribe.canceled with one l.
func canonical(label string) string {
	if rest, ok := strings.CutPrefix(label, "subscribe.canceled."); ok {
		return "subscribe.cancelled." + rest
	}
	return label
}

// readEnvelope reads the keys beside the resource, each of which may stand once.
func readEnvelope(pairs []form.Pair) (env Envelope, name string, err error) {
	var id, created, kind, version *form.Pair
	sorted := true
	for i := range pairs {
		p := &pairs[i]
		sorted = sorted && (i == 0 || pairs[i-1].Key <= p.Key)
		root, path, _ := form.Split(p.Key)
		var key **form.Pair
		switch root {
		case "id":
			key = &id
		case "created":
			key = &created
		case "type":
			key = &kind
		case "version":
			key = &version
		default:
			continue
		}
		if path != "" {
			return env, "", &event.Error{
				Field: form.Label(p.Key), Offset: p.Offset, Reason: "a key of the envelope has no brackets", Err: event.ErrMalformed,
			}
		}
		if *key != nil {
			return env, "", &event.Error{
				Field: form.Label(p.Key), Offset: p.Offset, Reason: "a key of the envelope may stand once only", Err: event.ErrMalformed,
			}
		}
		*key = p
	}
	if kind == nil || kind.Value == "" {
		return env, "", &event.Error{Field: "type", Offset: -1, Reason: "the key is missing or empty", Err: event.ErrNoTopic}
	}
	if id != nil {
		env.EventID = id.Value
	}
	if created != nil {
		if err := env.Created.UnmarshalText([]byte(created.Value)); err != nil {
			return env, "", &event.Error{
				Field: "created", Offset: created.Offset,
				Reason: "want seconds since 1970", Err: event.ErrMistyped,
			}
		}
	}
	if version != nil {
		env.Version = &version.Value
	}
	if !sorted {
		env.Style = PHP
	}
	return env, kind.Value, nil
}

func encode(e enveloped) (body []byte, contentType string, err error) {
	if codec.IsNil(e) {
		return nil, "", codec.Nil(e)
	}
	env := e.envelope()
	switch {
	case env.EventID == "":
		return nil, "", incomplete(e, "id", "set Envelope.EventID to an id that is unique for each event")
	case env.Created.Text() == "":
		return nil, "", incomplete(e, "created", "set Envelope.Created to when the event was made, in seconds since 1970")
	}
	pairs := []form.Pair{
		{Key: "id", Value: env.EventID},
		{Key: "created", Value: env.Created.Text()},
		{Key: "type", Value: e.Topic().Name()},
	}
	if env.Version != nil {
		pairs = append(pairs, form.Pair{Key: "version", Value: *env.Version})
	}
	beside := len(pairs)
	add := func(key, value string) { pairs = append(pairs, form.Pair{Key: key, Value: value}) }
	if r, ok := e.(rawResource); ok {
		r.resource().each("resource", add)
	} else if err := form.Encode("resource", e, add); err != nil {
		return nil, "", withTopic(err, e.Topic())
	}
	for _, p := range pairs[beside:] {
		if root, _, ok := form.Split(p.Key); !ok || root != "resource" {
			return nil, "", &event.Error{
				Topic: e.Topic(), Field: form.Label(p.Key), Offset: -1,
				Reason: "the key would be read as another one; check the names of the maps in it", Err: event.ErrMalformed,
			}
		}
	}
	if env.Style == Sorted {
		form.Sort(pairs)
	}
	body, err = form.Write(pairs, env.Style == PHP)
	if err != nil {
		return nil, "", withTopic(err, e.Topic())
	}
	return body, ContentType, nil
}

func (r *Resource) add(path, value string) {
	if *r == nil {
		*r = Resource{}
	}
	(*r)[path] = append((*r)[path], value)
}

func (r *Resource) each(root string, add func(key, value string)) {
	for _, path := range slices.Sorted(maps.Keys(*r)) {
		for _, value := range (*r)[path] {
			add(root+path, value)
		}
	}
}

func incomplete(e event.Event, field, reason string) error {
	return &event.Error{Topic: e.Topic(), Field: field, Offset: -1, Reason: reason, Err: event.ErrIncomplete}
}

// withTopic says of which topic the body is that an error of package form is
// about.
func withTopic(err error, t topic.Topic) error {
	if e, ok := errors.AsType[*event.Error](err); ok {
		e.Topic = t
	}
	return err
}
