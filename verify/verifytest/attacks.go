package verifytest

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/paperround/sign"
)

// attacks returns all attacks, those that do not apply too: their shots are none.
func (k *kit) attacks() []attack {
	return slices.Concat(k.tagAttacks(), k.keyAttacks(), k.timeAttacks(), k.replayAttacks(), k.bodyAttacks(), k.basicAttacks())
}

// only returns the shots where a condition holds.
func only(applies bool, shots func() []shot) func() []shot {
	if !applies {
		return func() []shot { return nil }
	}
	return shots
}

// timeAttacks are about a signed time and a signed id.
func (k *kit) timeAttacks() []attack {
	s := k.s.Scheme
	id, at := k.signsID(), k.signsTime()
	judged := at && k.o.Tolerance >= 0
	// The handler's clock goes on between signing and judging.
	beyond := k.o.Tolerance + 5*time.Second
	within := k.o.Tolerance - 10*time.Second
	return []attack{
		{name: "48 signed too long ago", kind: Replayed, shots: only(judged, func() []shot {
			return []shot{
				{sent: "a message signed " + beyond.String() + " ago", draft: k.draft(k.at(k.stamp(-beyond)))},
				{sent: "a message signed in 1970", draft: k.draft(k.at("1"))},
			}
		})},
		{name: "49 signed ahead of time", kind: Replayed, shots: only(judged, func() []shot {
			return []shot{
				{sent: "a message signed " + beyond.String() + " ahead", draft: k.draft(k.at(k.stamp(beyond)))},
				{sent: "a message signed a century ahead", draft: k.draft(k.at(k.stamp(100 * 365 * 24 * time.Hour)))},
			}
		})},
		{name: "50 signed within the tolerance", shots: only(judged && within > 0, func() []shot {
			k.fresh++
			name := "msg_good_" + strconv.Itoa(k.fresh)
			return []shot{
				{sent: "a message signed " + within.String() + " ago", want: acceptance, draft: k.draft(k.signed(name+"a", k.stamp(-within), k.body))},
				{sent: "a message signed " + within.String() + " ahead", want: acceptance, draft: k.draft(k.signed(name+"b", k.stamp(within), k.body))},
			}
		})},
		{name: "51 a time that is no plain number", kind: Loose, shots: only(at, func() []shot {
			m := k.now()
			shots := []shot{
				{sent: "a plus in front of the time", draft: k.retimed(m, "+"+m.at)},
				{sent: "zeros in front of the time", draft: k.retimed(m, "000"+m.at)},
				{sent: "a fraction after the time", draft: k.retimed(m, m.at+".0")},
				{sent: "an exponent after the time", draft: k.retimed(m, m.at+"e0")},
				{sent: "letters after the time", draft: k.retimed(m, m.at+"x")},
			}
			if !k.wire {
				shots = append(shots,
					shot{sent: "a space before the time", draft: k.retimed(m, " "+m.at)},
					shot{sent: "a space after the time", draft: k.retimed(m, m.at+" ")})
			}
			return shots
		})},
		{name: "52 a time beyond 64 bits", kind: Replayed, shots: only(at, func() []shot {
			return []shot{
				{sent: "a message signed with 20 digits as its time", draft: k.draft(k.at("99999999999999999999"))},
				{sent: "a message signed with 18 digits as its time", draft: k.draft(k.at("999999999999999999"))},
				{sent: "a message signed with a time below zero", draft: k.draft(k.at("-1"))},
			}
		})},
		{name: "53 a time in the other unit", kind: Replayed, shots: only(judged, func() []shot {
			other := sign.Milliseconds
			if s.TimeUnit == sign.Milliseconds {
				other = sign.Seconds
			}
			text, err := other.Format(k.o.Now())
			if err != nil {
				return nil
			}
			return []shot{{sent: "a message signed with its time in the other unit", draft: k.draft(k.at(text))}}
		})},
		{name: "54 no time", kind: Forged, shots: only(at, func() []shot {
			return []shot{
				{sent: "a right signature without the time", draft: k.untimed(k.now())},
				{sent: "a wrong signature without the time", draft: k.untimed(k.forged())},
			}
		})},
		{name: "55 the time twice", kind: Loose, shots: only(at, func() []shot {
			m, old := k.now(), k.stamp(-beyond)
			return []shot{
				{sent: "an old time, then the right one", draft: k.timed(m, old, m.at)},
				{sent: "the right time, then an old one", draft: k.timed(m, m.at, old)},
				{sent: "the right time twice", draft: k.timed(m, m.at, m.at)},
			}
		})},
		{name: "57 a fresh time beside an old signature", kind: Replayed, shots: only(judged, func() []shot {
			return []shot{{sent: "a message signed long ago, with the time of now", draft: k.retimed(k.at(k.stamp(-2*beyond)), k.stamp(0))}}
		})},
		{name: "59 another id", kind: Replayed, shots: only(id, func() []shot {
			m := k.now()
			m.id = "msg_other"
			return []shot{{sent: "a right signature of the same body under another id", draft: k.draft(m)}}
		})},
		{name: "60 no id", kind: Replayed, shots: only(id, func() []shot {
			return []shot{
				{sent: "a right signature without the id", draft: k.unnamed(k.now())},
				{sent: "a wrong signature without the id", draft: k.unnamed(k.forged())},
			}
		})},
		{name: "60 the id twice", kind: Loose, shots: only(id, func() []shot {
			m := k.now()
			return []shot{
				{sent: "another id, then the right one", draft: k.named(m, "msg_other", m.id)},
				{sent: "the right id, then another one", draft: k.named(m, m.id, "msg_other")},
			}
		})},
	}
}

// at returns a right message of another time.
func (k *kit) at(text string) message { return k.signed("msg_attack", text, k.body) }

// forged returns a message with a well-formed signature that is wrong.
func (k *kit) forged() message {
	m := k.now()
	m.tag = k.otherTag(m)
	return m
}

// retimed returns the request of a message with another time beside it.
func (k *kit) retimed(m message, at string) *draft {
	m.at = at
	return k.draft(m)
}

// timed returns the request of a message with several times.
func (k *kit) timed(m message, times ...string) *draft { return k.repeated(m, k.s.Scheme.Time, times) }

// untimed returns the request of a message without its time.
func (k *kit) untimed(m message) *draft { return k.timed(m) }

// named returns the request of a message with several ids.
func (k *kit) named(m message, ids ...string) *draft { return k.repeated(m, k.s.Scheme.ID, ids) }

// unnamed returns the request of a message without its id.
func (k *kit) unnamed(m message) *draft { return k.named(m) }

// repeated returns the request of a message in which a field has any number of
// values.
func (k *kit) repeated(m message, f sign.Field, values []string) *draft {
	d := k.draft(m)
	if !k.inList(f) {
		d.header.Del(f.Header)
		for _, v := range values {
			d.header.Add(f.Header, f.Prefix+v)
		}
		return d
	}
	s := k.s.Scheme
	var members []string
	for _, other := range []struct {
		sign.Field
		value string
	}{{s.ID, m.id}, {s.Time, m.at}} {
		switch {
		case other.Field == f:
			for _, v := range values {
				members = append(members, f.Prefix+v)
			}
		case k.inList(other.Field):
			members = append(members, other.Prefix+other.value)
		}
	}
	d.header.Set(f.Header, strings.Join(append(members, s.Tag.Prefix+m.tag), s.Tag.Separator))
	return d
}

// replayAttacks send a good message and then something that must not run.
func (k *kit) replayAttacks() []attack {
	id, at := k.signsID(), k.signsTime()
	counted := k.o.Runs != nil && (id || at || k.o.Dedupes)
	return []attack{
		{name: "58 the same bytes twice", kind: Replayed, shots: only(counted, func() []shot {
			d := k.good()
			return []shot{{sent: "a good request, and the same bytes again", first: d, draft: d, want: noRun}}
		})},
		{name: "61 the same message, its header otherwise", kind: Replayed, shots: only(counted && k.s.Scheme.Tag.Separator != "", func() []shot {
			m := k.newMessage()
			return []shot{{
				sent:  "a good request, and the same again with a value of another version beside its signature",
				first: k.draft(m), draft: k.with(m, k.s.Scheme.Tag.Prefix+m.tag, k.unknown()+k.otherTag(m)), want: noRun,
			}}
		})},
		{name: "62 a forgery first", shots: only(counted && (id || at), func() []shot {
			m := k.newMessage()
			wrong := m
			wrong.tag = k.otherTag(m)
			return []shot{{sent: "a good request after a forged one with its id, time and body", first: k.draft(wrong), draft: k.draft(m), want: acceptance}}
		})},
	}
}
