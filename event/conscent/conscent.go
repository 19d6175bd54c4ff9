package conscent

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"

	"example.com/paperround/event"
	"example.com/paperround/event/internal/codec"
	"example.com/paperround/topic"
)

// Envelope is what every new ConsCent webhook carries beside its event name and
// payload. Old webhooks have none.
type Envelope struct {
	// Event is the event value of the body where nobody published it: what
	// [Options.Bind] has bound. Encoding such an event requires it. It is empty,
	// and ignored, where the value is documented.
	Event string

	// UserID is the ConsCent user; in one example it is another than the user of
	// the payload. Encoding requires it.
	UserID string

	// Contains names the objects that the payload is said to have. The examples
	// list it in any order, and once with an object that is missing. When nil,
	// encoding lists what is there.
	Contains []string

	// ClientInfo tells about the reader's device; nil when the body has none.
	ClientInfo *ClientInfo

	// CreatedAt is when the event was made, in seconds since 1970. Encoding
	// leaves it out when it is absent.
	CreatedAt event.Time
}

func (e *Envelope) envelope() *Envelope { return e }

// enveloped is every new event type of this package.
type enveloped interface {
	event.Event
	envelope() *Envelope
}

// Options says what ConsCent's bodies do not. The zero value says nothing.
type Options struct {
	// Old is the topic of old bodies that may be of a sign-up or of a login:
	// [topic.ConsCentOldSignUp] or [topic.ConsCentOldLogin], whichever the route
	// receives. Without it such bodies are an error.
	Old topic.Topic

	// Bind says which topic an event value stands for, where nobody published the
	// value: one of [topic.ConsCentSignUp], [topic.ConsCentLogin],
	// [topic.ConsCentUserUpdate], [topic.ConsCentPopup] and
	// [topic.ConsCentPaymentGateway]. Several values may stand for one topic.
	Bind map[string]topic.Topic
}

// Codec returns the codec with the zero [Options], for a router.
func Codec() *event.Codec {
	c, _ := NewCodec(nil) // cannot fail without options
	return c
}

// NewCodec returns a codec for one route. Nil options are the zero options. It
// is an error when Old or Bind has another topic than those they list.
func NewCodec(o *Options) (*event.Codec, error) {
	if o == nil {
		o = &Options{}
	}
	switch o.Old {
	case "", topic.ConsCentOldSignUp, topic.ConsCentOldLogin:
	default:
		return nil, fmt.Errorf("conscent: Options.Old is %q; want topic.ConsCentOldSignUp or topic.ConsCentOldLogin", o.Old)
	}
	for value, t := range o.Bind {
		switch {
		case value == "":
			return nil, errors.New("conscent: Options.Bind binds the empty event value")
		case byWire([]byte(value)) != nil:
			return nil, fmt.Errorf("conscent: Options.Bind binds %q, whose topic is documented", value)
		case !unnamed(t):
			return nil, fmt.Errorf("conscent: Options.Bind binds %q to %q; want a new webhook whose event value is not documented", value, t)
		}
	}
	d := decoder{ambiguous: o.Old, bind: maps.Clone(o.Bind)}
	return event.NewCodec(d.decode, types()...)
}

// Decode turns a request body into its typed event, or into [*event.Unknown]
// for a topic that has no type here. Keys that a newer body brings are no
// error. It does not keep body. The error is an [*event.Error]; for an old body
// of a sign-up or login it wraps [event.ErrNoTopic], see [NewCodec].
func Decode(body []byte) (event.Event, error) { return decoder{}.decode(body) }

type decoder struct {
	ambiguous topic.Topic // of old bodies that may be of a sign-up or of a login
	bind      map[string]topic.Topic
}

// unnamed reports whether t is a new webhook whose event value nobody published.
func unnamed(t topic.Topic) bool {
	info, ok := t.Info()
	_, isNew := byTopic(t).(enveloped)
	return ok && isNew && info.Wire == ""
}

// marks are the top-level members that tell what a body is.
type marks [markCount]event.Member

const (
	entity = iota
	userID
	eventName
	contains
	payload
	clientInfo
	createdAt
	oldType
	oldCancelled
	oldBundle
	oldDetails
	oldUsername
	oldUserName
	oldUserID
	markCount
)

func (m *marks) scan(body []byte) error {
	*m = marks{
		entity:       {Name: "entity"},
		userID:       {Name: "user_id"},
		eventName:    {Name: "event"},
		contains:     {Name: "contains"},
		payload:      {Name: "payload"},
		clientInfo:   {Name: "client_info"},
		createdAt:    {Name: "created_at"},
		oldType:      {Name: "type"},
		oldCancelled: {Name: "cancelledSubscriptionDetails"},
		oldBundle:    {Name: "subscriptionsDetail"},
		oldDetails:   {Name: "subscriptionDetails"},
		oldUsername:  {Name: "username"},
		oldUserName:  {Name: "userName"},
		oldUserID:    {Name: "userId"},
	}
	return event.Scan(body, m[:])
}

func (m *marks) has(mark int) bool { return m[mark].Value != nil }

// says reports whether a mark is the string text, however it is escaped.
func (m *marks) says(mark int, text string) bool {
	if !m.has(mark) {
		return false
	}
	got, err := codec.Text(m[mark])
	return err == nil && string(got) == text
}

func (d decoder) decode(body []byte) (event.Event, error) {
	var m marks
	if err := m.scan(body); err != nil {
		return nil, err
	}
	if m.says(entity, "event") {
		return d.decodeNew(body, &m)
	}
	return d.decodeOld(body, &m)
}

func (d decoder) decodeNew(body []byte, m *marks) (event.Event, error) {
	name, err := codec.Text(m[eventName])
	if err != nil {
		return nil, err
	}
	e, ok := byWire(name).(enveloped)
	if !ok {
		if e, ok = byTopic(d.bind[string(name)]).(enveloped); !ok {
			return unknown(topic.ConsCent.Topic(string(name)), body), nil
		}
		e.envelope().Event = string(name)
	}
	t, env := e.Topic(), e.envelope()
	if err := codec.Object(t, m[payload], e); err != nil {
		return nil, err
	}
	for _, part := range []struct {
		member event.Member
		into   any
	}{
		{m[userID], &env.UserID},
		{m[contains], &env.Contains},
		{m[clientInfo], &env.ClientInfo},
		{m[createdAt], &env.CreatedAt},
	} {
		if err := codec.Value(t, part.member, part.into); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (d decoder) decodeOld(body []byte, m *marks) (event.Event, error) {
	t, err := d.recognise(m)
	if err != nil {
		return nil, err
	}
	e := byTopic(t)
	if err := codec.Object(t, codec.Body(body), e); err != nil {
		return nil, err
	}
	return e, nil
}

// recognise tells an old body by its marks.
func (d decoder) recognise(m *marks) (topic.Topic, error) {
	switch {
	case m.has(oldCancelled):
		return topic.ConsCentOldSubscriptionCancelled, nil
	case m.has(oldBundle):
		return topic.ConsCentOldSubscriptionBundlePayment, nil
	case m.has(oldType):
		switch {
		case m.says(oldType, "SUBSCRIPTION"):
			return topic.ConsCentOldSubscriptionPayment, nil
		case m.says(oldType, "PASS"):
			return topic.ConsCentOldPassPayment, nil
		case m.says(oldType, "CONTENT"):
			return topic.ConsCentOldMicroPayment, nil
		}
		return "", &event.Error{
			Field: "type", Offset: m[oldType].Offset,
			Reason: "an old body's type is SUBSCRIPTION, PASS or CONTENT", Err: event.ErrNoTopic,
		}
	case m.has(oldUsername) && m.has(oldDetails):
		return topic.ConsCentOldReviewSubscription, nil
	case m.has(oldUserName) && m.has(oldUserID):
		if d.ambiguous == "" {
			return "", &event.Error{
				Offset: -1, Reason: "a sign-up and a login look the same; decode this route with NewCodec and Options.Old",
				Err: event.ErrNoTopic,
			}
		}
		return d.ambiguous, nil
	}
	return "", &event.Error{
		Offset: -1, Reason: `neither entity "event" nor a mark of an old webhook`, Err: event.ErrNoTopic,
	}
}

func unknown(t topic.Topic, body []byte) *event.Unknown {
	return &event.Unknown{Of: t, ContentType: event.ContentTypeJSON, Body: bytes.Clone(body)}
}

// wire is a new webhook's body.
type wire struct {
	Entity     string      `json:"entity"`
	UserID     string      `json:"user_id"`
	Event      string      `json:"event"`
	Contains   []string    `json:"contains"`
	Payload    event.Event `json:"payload"`
	ClientInfo *ClientInfo `json:"client_info,omitzero"`
	CreatedAt  event.Time  `json:"created_at,omitzero"`
}

func encode(e event.Event) (body []byte, contentType string, err error) {
	if codec.IsNil(e) {
		return nil, "", codec.Nil(e)
	}
	if n, ok := e.(enveloped); ok {
		body, err = encodeNew(n)
	} else {
		body, err = encodeOld(e)
	}
	if err != nil {
		return nil, "", err
	}
	return body, event.ContentTypeJSON, nil
}

func encodeNew(e enveloped) ([]byte, error) {
	env := e.envelope()
	if env.UserID == "" {
		return nil, &event.Error{
			Topic: e.Topic(), Field: "user_id", Offset: -1,
			Reason: "set Envelope.UserID to the user the event is about", Err: event.ErrIncomplete,
		}
	}
	value := e.Topic().Name()
	if unnamed(e.Topic()) {
		value = env.Event
		if value == "" || byWire([]byte(value)) != nil {
			return nil, &event.Error{
				Topic: e.Topic(), Field: "event", Offset: -1,
				Reason: "nobody published this topic's event value: set Envelope.Event, to none of another topic",
				Err:    event.ErrIncomplete,
			}
		}
	}
	names := env.Contains
	if names == nil {
		names = objects(e)
	}
	body, err := codec.Marshal(e.Topic(), "", wire{
		"event", env.UserID, value, names, e, env.ClientInfo, env.CreatedAt,
	})
	if err != nil {
		return nil, err
	}
	return body, codec.Strict(e.Topic(), body)
}

// encodeOld makes sure that who receives the body can tell what it is.
func encodeOld(e event.Event) ([]byte, error) {
	body, err := codec.Marshal(e.Topic(), "", e)
	if err != nil {
		return nil, err
	}
	var m marks
	if err := m.scan(body); err != nil {
		return nil, err
	}
	var d decoder
	if e.Topic() == topic.ConsCentOldSignUp || e.Topic() == topic.ConsCentOldLogin {
		d.ambiguous = e.Topic()
	}
	if t, err := d.recognise(&m); err != nil || t != e.Topic() {
		return nil, &event.Error{
			Topic: e.Topic(), Offset: -1,
			Reason: "the body would not be recognised; fill in the fields that mark this topic, such as Type",
			Err:    event.ErrIncomplete,
		}
	}
	return body, nil
}

// objects names what the payload of e has.
func objects(e enveloped) []string {
	names := []string{}
	v := reflect.ValueOf(e).Elem()
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if name != "-" && !v.Field(i).IsZero() {
			names = append(names, name)
		}
	}
	return names
}
