package event_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"example.com/paperround/event"
	"example.com/paperround/event/eventtest"
)

func TestScanFindsMembers(t *testing.T) {
	t.Parallel()
	body := []byte(" {\"a\": 1, \"topic\" :\t\"x\" ,\"\\u0064ata\":{\"topic\":[1,{}]} } \n")
	members := []event.Member{{Name: "topic"}, {Name: "data"}, {Name: "gone", Value: []byte("old")}}
	require.NoError(t, event.Scan(body, members))
	require.Equal(t, `"x"`, string(members[0].Value))
	require.Equal(t, `{"topic":[1,{}]}`, string(members[1].Value), "the key is the same with escapes")
	require.Nil(t, members[2].Value)
	for _, m := range members[:2] {
		require.Equal(t, m.Value, body[m.Offset:m.Offset+len(m.Value)])
	}
}

// A name is found exactly: another case is another name.
func TestScanDoesNotFoldNames(t *testing.T) {
	t.Parallel()
	members := []event.Member{{Name: "topic"}}
	require.NoError(t, event.Scan([]byte(`{"TOPIC":"x"}`), members))
	require.Nil(t, members[0].Value)
}

func TestScanRefuses(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return `{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}` }
	many := func(last string) string {
		var b strings.Builder
		for i := range 200 {
			b.WriteString(`"` + strings.Repeat("k", i+1) + `":0,`)
		}
		return "{" + b.String() + `"` + last + `":0}`
	}
	for name, tt := range map[string]struct {
		body   string
		field  string
		offset int
	}{
		"nothing":                      {"", "", 0},
		"white space":                  {" \n", "", 2},
		"an array":                     {"[]", "", 0},
		"a string":                     {`"x"`, "", 0},
		"a byte order mark":            {"\ufeff{}", "", 0},
		"a second object":              {"{}{}", "", 2},
		"trailing text":                {`{"a":1} x`, "", 8},
		"trailing NUL":                 {"{}\x00", "", 2},
		"key twice":                    {`{"topic":1,"topic":2}`, "topic", 11},
		"key twice, upper case":        {`{"topic":1,"TOPIC":2}`, "TOPIC", 11},
		"key twice, escaped":           {`{"topic":1,"\u0054opic":2}`, "Topic", 11},
		"key twice, long s":            {`{"user_id":1,"u` + "\u017f" + `er_id":2}`, "u\u017fer_id", 13},
		"key twice, Kelvin sign":       {`{"k":1,"\u212a":2}`, "\u212a", 7},
		"key twice, surrogate pair":    {`{"😀":1,"\ud83d\ude00":2}`, "😀", 10},
		"key twice, in the payload":    {`{"topic":"x","data":{"id":1,"ID":2}}`, "data.ID", 28},
		"key twice, in an array":       {`{"data":[{"id":1},{"id":1,"Id":2}]}`, "data[].Id", 26},
		"key twice, after 200 others":  {many("KKKK"), "KKKK", 21101},
		"key twice, the 150th":         {many(strings.Repeat("K", 150)), strings.Repeat("K", 64) + "...", 21101},
		"no closing brace":             {`{"a":1`, "", 6},
		"no value":                     {`{"a":`, "a", 5},
		"no colon":                     {`{"a" 1}`, "", 5},
		"key without quotes":           {`{a:1}`, "", 1},
		"trailing comma":               {`{"a":1,}`, "", 7},
		"trailing comma in an array":   {`{"a":[1,]}`, "a[]", 8},
		"comment":                      {`{"a":1/**/}`, "", 6},
		"single quotes":                {`{'a':1}`, "", 1},
		"string without end":           {`{"a":"x`, "a", 7},
		"string without end, escape":   {`{"a":"x\`, "a", 7},
		"control character":            {"{\"a\":\"x\ny\"}", "a", 7},
		"invalid UTF-8":                {"{\"a\":\"xxxxxxxxx\xff\"}", "a", 15},
		"invalid UTF-8 in a key":       {"{\"\xff\":1}", "", 2},
		"UTF-8 of a surrogate":         {"{\"a\":\"\xed\xa0\x80\"}", "a", 6},
		"overlong UTF-8":               {"{\"a\":\"\xc0\xaf\"}", "a", 6},
		"half a surrogate pair":        {`{"a":"\ud83d"}`, "a", 6},
		"two high surrogates":          {`{"a":"\ud83d\ud83d"}`, "a", 6},
		"a low surrogate first":        {`{"a":"\ude00\ud83d"}`, "a", 6},
		"unknown escape":               {`{"a":"\x41"}`, "a", 6},
		"short \\u escape":             {`{"a":"\u12"}`, "a", 6},
		"number with a leading zero":   {`{"a":01}`, "", 6},
		"number with a plus":           {`{"a":+1}`, "a", 5},
		"number without digits":        {`{"a":-}`, "a", 5},
		"number ending in a point":     {`{"a":1.}`, "a", 5},
		"number ending in an exponent": {`{"a":1e}`, "a", 5},
		"NaN":                          {`{"a":NaN}`, "a", 5},
		"hex number":                   {`{"a":0x1}`, "", 6},
		"half a literal":               {`{"a":tru}`, "a", 5},
		"literal in capitals":          {`{"a":True}`, "a", 5},
		"nested 129 deep":              {deep(128), "a" + strings.Repeat("[]", 127), 132},
		"nested 10,000 deep":           {deep(10_000), "a" + strings.Repeat("[]", 127), 132},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := event.Scan([]byte(tt.body), nil)
			require.ErrorIs(t, err, event.ErrMalformed)
			var e *event.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, tt.field, e.Field)
			require.Equal(t, tt.offset, e.Offset)
			require.NotEmpty(t, e.Reason)
		})
	}
	require.NoError(t, event.Scan([]byte(deep(127)), nil))
	require.NoError(t, event.Scan([]byte(many("other")), nil))
}

// The name of a huge key does not come back in the error.
func TestScanErrorIsOfBoundedLength(t *testing.T) {
	t.Parallel()
	err := event.Scan([]byte(`{"`+strings.Repeat("é", 10_000)+`":}`), nil)
	require.ErrorIs(t, err, event.ErrMalformed)
	require.Less(t, len(err.Error()), 250)
	require.True(t, utf8.ValidString(err.Error()))
}

func TestScanAllocatesNothing(t *testing.T) {
	body := eventtest.Sample("conscent:transaction.complete")
	require.NotNil(t, body)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		members := [...]event.Member{{Name: "event"}, {Name: "payload"}}
		if event.Scan(body, members[:]) != nil || members[1].Value == nil {
			t.Fail()
		}
	}))
}

// strict is what Scan accepts, written the slow way on top of encoding/json.
func strict(body []byte) bool {
	if !json.Valid(body) || !utf8.Valid(body) || !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) {
		return false
	}
	for i := 0; i < len(body); i++ { // half surrogate pairs
		if body[i] != '\\' {
			continue
		}
		i++
		if body[i] == 'u' && strings.ContainsRune("dD", rune(body[i+1])) && strings.ContainsRune("89abAB", rune(body[i+2])) {
			if i+10 >= len(body) || body[i+5] != '\\' || body[i+6] != 'u' ||
				!strings.ContainsRune("dD", rune(body[i+7])) || !strings.ContainsRune("cdefCDEF", rune(body[i+8])) {
				return false
			}
			i += 10
		} else if body[i] == 'u' && strings.ContainsRune("dD", rune(body[i+1])) && strings.ContainsRune("cdefCDEF", rune(body[i+2])) {
			return false
		}
	}
	fold := func(s string) string {
		return strings.Map(func(r rune) rune {
			least := r
			for n := unicode.SimpleFold(r); n != r; n = unicode.SimpleFold(n) {
				least = min(least, n)
			}
			return least
		}, s)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber() // a number beyond float64 is a number all the same
	type level struct {
		keys  map[string]bool // nil for an array
		isKey bool
	}
	var open []level
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return true
		}
		if err != nil {
			return false
		}
		if delim, ok := tok.(json.Delim); ok {
			switch delim {
			case '{':
				open = append(open, level{map[string]bool{}, true})
			case '[':
				open = append(open, level{})
			default:
				open = open[:len(open)-1]
				if len(open) > 0 {
					open[len(open)-1].isKey = open[len(open)-1].keys != nil
				}
			}
			if len(open) > event.MaxDepth {
				return false
			}
			continue
		}
		if len(open) == 0 {
			return false
		}
		top := &open[len(open)-1]
		if top.isKey {
			key, _ := tok.(string)
			if top.keys[fold(key)] {
				return false
			}
			top.keys[fold(key)] = true
			top.isKey = false
		} else {
			top.isKey = top.keys != nil
		}
	}
}

func FuzzScan(f *testing.F) {
	for e := range eventtest.All() {
		f.Add(e.Body)
	}
	for _, s := range []string{
		`{"topic":1,"TOPIC":2}`, `{"k":1,"\u212a":2}`, `{"a":"\ud83d\ude00"}`, `{"a":"\ud83d"}`, `{"a":[{"b":1e5},-0.1E+2,true]}`,
		`{"a":1} x`, "{\"a\":\"\xff\"}", `{"\u0000":1,"\\u0000":2}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		members := []event.Member{{Name: "topic"}, {Name: "data"}}
		err := event.Scan(body, members)
		require.Equal(t, strict(body), err == nil, "%q: %v", body, err)
		if err != nil {
			require.LessOrEqual(t, len(err.Error()), 10_000)
			return
		}
		var want map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(body, &want))
		for _, m := range members {
			require.Equal(t, string(want[m.Name]), string(m.Value))
			require.Equal(t, string(m.Value), string(body[m.Offset:m.Offset+len(m.Value)]))
		}
	})
}

// Keys that are made to collide in a hash which only tells cases apart cost no
// more than others.
func TestScanOfCollidingKeys(t *testing.T) {
	t.Parallel()
	body := func(zero, one string) []byte {
		var b strings.Builder
		b.WriteByte('{')
		for i := range 1 << 14 {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteByte('"')
			for bit := range 14 {
				if i>>bit&1 == 0 {
					b.WriteString(zero)
				} else {
					b.WriteString(one)
				}
			}
			b.WriteString(`":0`)
		}
		b.WriteByte('}')
		return []byte(b.String())
	}
	colliding, ordinary := body("[", "{"), body("x", "y")
	took := func(body []byte) time.Duration {
		start := time.Now()
		require.NoError(t, event.Scan(body, nil))
		return time.Since(start)
	}
	took(ordinary) // warms up
	floor := took(ordinary)
	require.Less(t, took(colliding), 20*floor+50*time.Millisecond, "it would be hundreds of times as long")
}
