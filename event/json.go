package event

import (
	"fmt"

	"example.com/paperround/event/internal/rawjson"
	"example.com/paperround/topic"
)

// ContentTypeJSON is the content type of JSON bodies. Of the three providers,
// none documents the content type of its JSON webhooks; this is the usual one.
const ContentTypeJSON = "application/json"

// JSON makes an event of a host's own topic, under any provider name: its body
// is v as JSON, written without escaping HTML. v is encoded when the event is,
// so it must not change until then. An error of v's encoder comes back from
// Encode in an [*Error].
func JSON(t topic.Topic, v any) Event { return jsonEvent{t, v} }

type jsonEvent struct {
	topic topic.Topic
	value any
}

func (e jsonEvent) Topic() topic.Topic { return e.topic }

func (e jsonEvent) Encode() (body []byte, contentType string, err error) {
	body, err = rawjson.Marshal(e.value)
	if err != nil {
		return nil, "", &Error{
			Topic: e.topic, Offset: -1, Reason: fmt.Sprintf("cannot write a %T as JSON", e.value), Err: err,
		}
	}
	return body, ContentTypeJSON, nil
}
