package cleeng

import (
	"bytes"
	"encoding/json"

	"example.com/paperround/event"
	"example.com/paperround/event/internal/codec"
	"example.com/paperround/topic"
)

// Envelope is what every Cleeng webhook carries beside its topic and data.
type Envelope struct {
	// BroadcasterID is the publisher's account; newer pages call it publisherId.
	// A number on most pages, a string on one. Encoding requires it.
	BroadcasterID event.ID
}

func (e *Envelope) envelope() *Envelope { return e }

// enveloped is every event type of this package.
type enveloped interface {
	event.Event
	envelope() *Envelope
}

// rawData is an event whose payload nobody published.
type rawData interface{ raw() *json.RawMessage }

// Codec returns the codec of this package, for a router.
func Codec() *event.Codec {
	c, _ := event.NewCodec(Decode, types()...) // cannot fail: a function and types are there
	return c
}

// Decode turns a request body into its typed event, or into [*event.Unknown]
// for a topic that has no type here. Keys that a newer body brings are no
// error. It does not keep body. The error is an [*event.Error].
func Decode(body []byte) (event.Event, error) {
	members := [...]event.Member{{Name: "broadcasterId"}, {Name: "topic"}, {Name: "data"}}
	if err := event.Scan(body, members[:]); err != nil {
		return nil, err
	}
	broadcaster, data := members[0], members[2]
	name, err := codec.Text(members[1])
	if err != nil {
		return nil, err
	}
	e, ok := byWire(name).(enveloped)
	if !ok {
		return &event.Unknown{
			Of:          topic.Cleeng.Topic(string(name)),
			ContentType: event.ContentTypeJSON,
			Body:        bytes.Clone(body),
		}, nil
	}
	if err := codec.Value(e.Topic(), broadcaster, &e.envelope().BroadcasterID); err != nil {
		return nil, err
	}
	if r, ok := e.(rawData); ok {
		*r.raw() = bytes.Clone(data.Value)
		return e, nil
	}
	if err := codec.Object(e.Topic(), data, e); err != nil {
		return nil, err
	}
	return e, nil
}

func encode(e enveloped) (body []byte, contentType string, err error) {
	if codec.IsNil(e) {
		return nil, "", codec.Nil(e)
	}
	id := e.envelope().BroadcasterID
	if id.Text() == "" {
		return nil, "", &event.Error{
			Topic: e.Topic(), Field: "broadcasterId", Offset: -1,
			Reason: "set Envelope.BroadcasterID to the publisher's id", Err: event.ErrIncomplete,
		}
	}
	var v any = e
	if r, ok := e.(rawData); ok {
		v = *r.raw()
	}
	data, err := codec.Marshal(e.Topic(), "data", v)
	if err != nil {
		return nil, "", err
	}
	broadcaster, err := codec.Marshal(e.Topic(), "broadcasterId", id)
	if err != nil {
		return nil, "", err
	}
	b := make([]byte, 0, len(data)+len(broadcaster)+len(e.Topic())+len(`{"broadcasterId":,"topic":"","data":}`))
	b = append(b, `{"broadcasterId":`...)
	b = append(b, broadcaster...)
	b = append(b, `,"topic":"`...)
	b = append(b, e.Topic().Name()...)
	b = append(b, `","data":`...)
	b = append(b, data...)
	b = append(b, '}')
	if err := codec.Strict(e.Topic(), b); err != nil {
		return nil, "", err
	}
	return b, event.ContentTypeJSON, nil
}
