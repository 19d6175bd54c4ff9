package verifytest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"example.com/paperround/sign"
)

// tagAttacks are about how the signature is written.
func (k *kit) tagAttacks() []attack {
	s := k.s.Scheme
	signs, p := k.s.signs(), s.Tag.Prefix
	list := s.Tag.Separator != ""
	several := list && !k.shared() // The header may stand on several lines.
	isHex := s.Encoding == sign.Hex
	// one is an attack with one shot, made from a right message.
	one := func(name string, kind Kind, applies bool, sent string, draft func(m message) *draft) attack {
		return attack{name: name, kind: kind, shots: only(signs && applies, func() []shot {
			return []shot{{sent: sent, draft: draft(k.now())}}
		})}
	}
	local := func(a attack) attack {
		a.local = true
		return a
	}
	large := func(a attack) attack {
		a.breaks = true
		return a
	}
	return []attack{
		one("15 no signature", Forged, true, "no header for the signature", k.bare),
		one("15 no signature in its list", Forged, k.shared(), "the header without the signature in it", func(m message) *draft { return k.with(m) }),
		one("16 empty signature", Forged, true, "an empty header", func(m message) *draft { return k.lines(m, "") }),
		one("17 nothing after the prefix", Forged, p != "", "the prefix with nothing after it", func(m message) *draft { return k.with(m, p) }),
		one("18 a byte short", Forged, true, "a right signature without its last digits", func(m message) *draft { return k.with(m, p+m.tag[:len(m.tag)-4]) }),
		one("18 a byte long", Loose, true, "a right signature with more digits after it", func(m message) *draft { return k.with(m, p+m.tag+"0000") }),
		one("19 an odd number of digits", Forged, isHex, "a right signature without its last digit", func(m message) *draft { return k.with(m, p+m.tag[:len(m.tag)-1]) }),
		one("20 no digits", Forged, true, "characters that are no digits", func(m message) *draft {
			return k.with(m, p+strings.Repeat("*", len(m.tag)))
		}),
		one("21 upper-case digits", Loose, isHex, "a right signature in upper case", func(m message) *draft { return k.with(m, p+strings.ToUpper(m.tag)) }),
		local(one("22 a line break inside", Loose, !isHex, "a right signature with a line break inside", func(m message) *draft {
			return k.with(m, p+m.tag[:8]+"\n"+m.tag[8:])
		})),
		one("23 unused bits", Loose, !isHex, "a right signature with a bit set that base64 does not use", func(m message) *draft {
			return k.with(m, p+setUnusedBit(m.tag))
		}),
		one("24 the URL alphabet", Loose, !isHex, "a right signature in base64url", func(message) *draft {
			m := k.withTag(func(tag string) bool { return strings.ContainsAny(tag, "+/") })
			return k.with(m, p+strings.NewReplacer("+", "-", "/", "_").Replace(m.tag))
		}),
		one("25 no padding", Loose, !isHex, "a right signature without its padding", func(m message) *draft {
			return k.with(m, p+strings.TrimRight(m.tag, "="))
		}),
		one("26 the other encoding", Loose, true, "a right signature in hexadecimal for base64, or the reverse", func(m message) *draft {
			if isHex {
				return k.with(m, p+base64.StdEncoding.EncodeToString(k.decode(m.tag)))
			}
			return k.with(m, p+hex.EncodeToString(k.decode(m.tag)))
		}),
		one("27 no prefix", Loose, p != "", "a right signature without the prefix", func(m message) *draft { return k.with(m, m.tag) }),
		one("28 the prefix in the wrong case", Loose, strings.ToUpper(p) != p, "a right signature after the prefix in upper case", func(m message) *draft {
			return k.with(m, strings.ToUpper(p)+m.tag)
		}),
		{name: "29 a truncated signature", kind: Forged, shots: only(signs, func() []shot {
			m := k.now()
			return []shot{
				{sent: "the first half of a right signature", draft: k.with(m, p+m.tag[:len(m.tag)/2])},
				{sent: "the first 4 digits of a right signature", draft: k.with(m, p+m.tag[:4])},
			}
		})},
		{name: "30 something after the signature", kind: Loose, shots: only(signs, func() []shot {
			m := k.now()
			shots := []shot{{sent: "a right signature with letters after it", draft: k.with(m, p+m.tag+"junk")}}
			if !k.shared() { // there a comma starts another member
				shots = append(shots, shot{sent: "a right signature with a comma and letters after it", draft: k.with(m, p+m.tag+",junk")})
			}
			return shots
		})},
		{name: "31 two lines, one of them bad", kind: Loose, shots: only(signs && !several, func() []shot {
			m, wrong := k.now(), k.forged()
			good, bad := k.list(m, p+m.tag), k.list(m, p+wrong.tag)
			return []shot{
				{sent: "a wrong signature on the first line, a right one on the second", draft: k.lines(m, bad, good)},
				{sent: "a right signature on the first line, a wrong one on the second", draft: k.lines(m, good, bad)},
			}
		})},
		one("32 two lines, both good", Loose, !several, "the right header twice", func(m message) *draft {
			return k.lines(m, k.list(m, p+m.tag), k.list(m, p+m.tag))
		}),
		one("33 two lines folded into one", Loose, !several, "the right header twice on one line, with a comma", func(m message) *draft {
			return k.lines(m, k.list(m, p+m.tag)+", "+k.list(m, p+m.tag))
		}),
		{name: "34 white space around", kind: Loose, local: true, shots: only(signs, func() []shot {
			m := k.now()
			good := k.list(m, p+m.tag)
			return []shot{
				{sent: "a space before a right header", draft: k.lines(m, " "+good)},
				{sent: "a space after a right header", draft: k.lines(m, good+" ")},
				{sent: "a tab after a right header", draft: k.lines(m, good+"\t")},
				{sent: "a line break after a right header", draft: k.lines(m, good+"\n")},
			}
		})},
		{name: "34 a NUL", kind: Loose, local: true, shots: only(signs, func() []shot {
			m := k.now()
			good := k.list(m, p+m.tag)
			return []shot{
				{sent: "a NUL after a right signature", draft: k.lines(m, good+"\x00")},
				{sent: "a NUL and letters after a right signature", draft: k.lines(m, good+"\x00junk")},
				{sent: "a NUL before a right signature", draft: k.with(m, p+"\x00"+m.tag)},
			}
		})},
		large(one("35 10,000 values", Loose, list, "10,000 wrong signatures and a right one in one header", func(m message) *draft {
			values := slices.Repeat([]string{p + k.forged().tag}, 10_000)
			return k.with(m, append(values, p+m.tag)...)
		})),
		large(one("35 10,000 lines", Loose, true, "10,000 headers with a wrong signature and one with a right one", func(m message) *draft {
			lines := slices.Repeat([]string{k.list(m, p+k.forged().tag)}, 10_000)
			return k.lines(m, append(lines, k.list(m, p+m.tag))...)
		})),
		large(one("36 a header of 1 MiB", Forged, true, "a header of 1 MiB of digits", func(m message) *draft {
			return k.with(m, p+strings.Repeat("0", 1<<20))
		})),
		one("37 only an unknown version", Forged, p != "", "a wrong signature under an unknown prefix", func(m message) *draft {
			return k.with(m, k.unknown()+k.forged().tag)
		}),
		{name: "38 one bit flipped", kind: Forged, shots: only(signs, func() []shot {
			m := k.now()
			sum := k.decode(m.tag)
			shots := make([]shot, 0, 8*len(sum))
			for i := range 8 * len(sum) {
				wrong := bytes.Clone(sum)
				wrong[i/8] ^= 0x80 >> (i % 8)
				shots = append(shots, shot{sent: fmt.Sprintf("a right signature with bit %d flipped", i), draft: k.with(m, p+k.encode(wrong))})
			}
			return shots
		})},
		one("42 another algorithm named", Loose, p != "", "a right signature under the prefix of another algorithm or version", func(m message) *draft {
			return k.with(m, k.unknown()+m.tag)
		}),
		{name: "45 none", kind: Forged, shots: only(signs, func() []shot {
			m := k.now()
			shots := []shot{
				{sent: "the word none for a signature", draft: k.with(m, p+"none")},
				{sent: "the word none for a header", draft: k.lines(m, "none")},
			}
			if p != "" {
				shots = append(shots, shot{sent: "none in the prefix, and no signature", draft: k.with(m, "none"+p[len(p)-1:])})
			}
			return shots
		})},
	}
}

// unknown returns a prefix like the scheme's, of a version or an algorithm that
// there is not.
func (k *kit) unknown() string {
	p := k.s.Scheme.Tag.Prefix
	if after, ok := strings.CutPrefix(p, "sha256"); ok {
		return "sha512" + after
	}
	if p == "" {
		return "v999="
	}
	return "v999" + p[len(p)-1:]
}

// withTag returns a right message whose signature is as asked. Only the body can
// vary where the scheme signs nothing else; it gets white space at its end.
func (k *kit) withTag(fits func(tag string) bool) message {
	m := k.now()
	for i := 1; !fits(m.tag) && i < 1000; i++ {
		m = k.signed("msg_attack", m.at, append(bytes.Clone(k.body), strings.Repeat(" ", i)...))
	}
	return m
}

// setUnusedBit sets the last bit of the last digit of base64 that has padding.
func setUnusedBit(tag string) string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	end := len(strings.TrimRight(tag, "="))
	last := strings.IndexByte(digits, tag[end-1])
	return tag[:end-1] + string(digits[last|1]) + tag[end:]
}

// keyAttacks are about what the signature was made with.
func (k *kit) keyAttacks() []attack {
	s := k.s.Scheme
	signs, p := k.s.signs(), s.Tag.Prefix
	mac := signs && s.Algorithm == sign.HMACSHA256
	return []attack{
		{name: "39 the signature of the empty body", kind: Forged, shots: only(signs, func() []shot {
			m := k.signed("msg_attack", k.stamp(0), nil)
			m.body = k.body
			return []shot{{sent: "a body with the right signature of the empty body", draft: k.draft(m)}}
		})},
		{name: "40 the body and the MAC of nothing", kind: Forged, shots: only(mac, func() []shot {
			m := k.now()
			s, secret := withKey(s, k.key())
			s.Cover = []sign.Part{sign.PartBody}
			nothing := k.decode(k.tag(s, secret, "", "", nil))
			m.tag = k.encode(append(k.text(m), nothing...))
			return []shot{{sent: "what is signed, followed by the MAC of nothing, as a signature", draft: k.draft(m)}}
		})},
		{name: "41 SHA-1", kind: Loose, shots: only(mac, func() []shot {
			m := k.now()
			m.tag = k.encode(sha1MAC(k.key(), k.text(m)))
			shots := []shot{{sent: "the HMAC-SHA1 of the right key", draft: k.draft(m)}}
			if rest, ok := strings.CutPrefix(p, "sha256"); ok {
				shots = append(shots, shot{sent: "the HMAC-SHA1 of the right key, and named as such", draft: k.with(m, "sha1"+rest+m.tag)})
			}
			return shots
		})},
		{name: "43 the public key as the key of a MAC", kind: Forged, shots: only(signs && !mac, func() []shot {
			m := k.now()
			var shots []shot
			public := k.public()
			for _, key := range []struct {
				words string
				bytes []byte
			}{{"the public key's bytes", public}, {"the public key's text", []byte("whpk_" + base64.StdEncoding.EncodeToString(public))}} {
				scheme, secret := withKey(s, key.bytes)
				tag := k.tag(scheme, secret, m.id, m.at, m.body)
				shots = append(shots,
					shot{sent: "the HMAC-SHA256 with " + key.words, draft: k.with(m, p+tag)},
					shot{sent: "the HMAC-SHA256 with " + key.words + ", under v1", draft: k.with(m, "v1,"+tag)})
			}
			return shots
		})},
		{name: "44 a value of the other algorithm", kind: Forged, shots: only(mac && p == "v1,", func() []shot {
			m := k.now()
			tag := k.encode(ed25519Sign(k.text(m)))
			return []shot{
				{sent: "a stranger's Ed25519 signature under v1", draft: k.with(m, p+tag)},
				{sent: "a stranger's Ed25519 signature under v1a", draft: k.with(m, "v1a,"+tag)},
			}
		})},
		{name: "47 another key", kind: Forged, shots: only(signs, func() []shot {
			return []shot{{sent: "a signature made with another key", draft: k.draft(k.forged())}}
		})},
		{name: "47 a key of zeros", kind: Forged, shots: only(mac, func() []shot {
			m := k.now()
			s, secret := withKey(s, make([]byte, 64)) // an empty key is padded to this
			m.tag = k.tag(s, secret, m.id, m.at, m.body)
			return []shot{{sent: "a signature made with an empty key", draft: k.draft(m)}}
		})},
		{name: "47 no key", kind: Forged, shots: only(mac, func() []shot {
			m := k.now()
			m.tag = k.encode(plainSum(k.text(m)))
			return []shot{{sent: "the SHA-256 of what is signed, without a key", draft: k.draft(m)}}
		})},
	}
}

// basicAttacks are about Basic credentials.
func (k *kit) basicAttacks() []attack {
	user, password := k.s.User, k.s.Password
	has := user != ""
	// one is an attack with one header for the credentials, or several.
	one := func(name string, kind Kind, applies bool, sent string, lines ...string) attack {
		return attack{name: "Basic: " + name, kind: kind, shots: only(has && applies, func() []shot {
			return []shot{{sent: sent, draft: k.authorized(lines...)}}
		})}
	}
	right := basicValue(user + ":" + password)
	padded := strings.HasSuffix(right, "=")
	return []attack{
		{name: "Basic: plain http", kind: Loose, local: true, shots: only(has && !k.o.AllowPlaintext && strings.HasPrefix(k.o.URL, "https:"), func() []shot {
			d := k.good()
			d.url = "http" + strings.TrimPrefix(d.url, "https")
			return []shot{{sent: "a good request without TLS", draft: d}}
		})},
		one("no credentials", Forged, true, "no Authorization header"),
		one("empty", Forged, true, "an empty Authorization header", ""),
		one("no more than the scheme", Forged, true, "Basic with nothing after it", "Basic "),
		one("wrong user", Forged, true, "the right password under another user", basicValue(user+"x:"+password)),
		one("wrong password", Forged, true, "the right user with another password", basicValue(user+":"+password+"x")),
		one("empty password", Forged, true, "the right user with an empty password", basicValue(user+":")),
		one("empty user", Forged, true, "the right password without a user", basicValue(":"+password)),
		one("empty pair", Forged, true, "a colon alone", basicValue(":")),
		one("no colon", Forged, true, "the right user alone", basicValue(user)),
		one("a part of the password", Forged, true, "the right user with the first half of the password", basicValue(user+":"+password[:len(password)/2])),
		one("more after the password", Forged, true, "the right pair with a colon and letters after it", basicValue(user+":"+password+":x")),
		one("two headers, one of them bad", Loose, true, "wrong credentials on the first line, right ones on the second", basicValue("x:x"), right),
		one("two headers, the second bad", Loose, true, "right credentials on the first line, wrong ones on the second", right, basicValue("x:x")),
		one("two headers, both good", Loose, true, "the right credentials twice", right, right),
		one("no padding", Loose, padded, "the right credentials without their padding", strings.TrimRight(right, "=")),
		one("unused bits", Loose, padded, "the right credentials with a bit set that base64 does not use", setUnusedBit(right)),
		one("something after", Loose, true, "the right credentials with letters after them", right+" junk"),
		one("not encoded", Loose, true, "the right credentials in plain text", "Basic "+user+":"+password),
		one("another scheme", Loose, true, "the right credentials as a bearer token", "Bearer "+strings.TrimPrefix(right, "Basic ")),
	}
}

// authorized returns a good request with other Authorization headers.
func (k *kit) authorized(lines ...string) *draft {
	d := k.draft(k.now())
	d.header.Del("Authorization")
	if len(lines) > 0 {
		d.header["Authorization"] = lines
	}
	return d
}
