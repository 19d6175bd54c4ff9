package diagnose

// Cause is a stable code for what is wrong.
type Cause string

// What Explain finds.
const (
	// Matches: the message verifies.
	Matches Cause = "matches"
	// Unexplained: none of the usual mistakes explains it.
	Unexplained Cause = "unexplained"
	// Unusable: the scheme or a secret is refused before anything is compared.
	Unusable Cause = "unusable"

	// HeaderMissing: a header that the scheme needs is not there.
	HeaderMissing Cause = "header-missing"
	// HeaderNames: the header's names are not in canonical form.
	HeaderNames Cause = "header-names"
	// HeaderOther: the signature stands in another header.
	HeaderOther Cause = "header-other"
	// HeaderTwice: a header has more lines or values than it may.
	HeaderTwice Cause = "header-twice"
	// HeaderFolded: several lines were joined with a comma.
	HeaderFolded Cause = "header-folded"
	// HeaderMalformed: a header is not written as the scheme writes it.
	HeaderMalformed Cause = "header-malformed"
	// OtherScheme: the message is signed as another provider does.
	OtherScheme Cause = "other-scheme"

	// TagPrefix: the prefix of the signature is missing, or is another one.
	TagPrefix Cause = "tag-prefix"
	// TagSpace: there is white space or a quote around the signature.
	TagSpace Cause = "tag-space"
	// TagCase: the signature is in upper case.
	TagCase Cause = "tag-case"
	// TagEncoding: it is hexadecimal instead of base64, or the reverse.
	TagEncoding Cause = "tag-encoding"
	// TagBase64: it is base64 of another alphabet or without padding.
	TagBase64 Cause = "tag-base64"
	// TagLength: no value has the length of a signature.
	TagLength Cause = "tag-length"

	// HashSHA1, HashSHA512: the signature is an HMAC with another hash.
	HashSHA1   Cause = "hash-sha1"
	HashSHA512 Cause = "hash-sha512"
	// HashPlain: it is a hash over secret and body, and no HMAC.
	HashPlain Cause = "hash-plain"

	// SecretOther: it was made with one of Mismatch.Others.
	SecretOther Cause = "secret-other"
	// SecretSpace: there is a newline or white space around the secret.
	SecretSpace Cause = "secret-space"
	// SecretSpaceThere: the sender has a newline after the secret.
	SecretSpaceThere Cause = "secret-space-there"
	// SecretQuoted: the secret stands in quotes.
	SecretQuoted Cause = "secret-quoted"
	// SecretBase64: the sender decodes the secret from base64.
	SecretBase64 Cause = "secret-base64"
	// SecretText: the sender uses the secret as text.
	SecretText Cause = "secret-text"
	// SecretAlphabet: the secret is base64url or lacks its padding.
	SecretAlphabet Cause = "secret-alphabet"
	// SecretHex: the sender decodes the secret from hexadecimal.
	SecretHex Cause = "secret-hex"
	// SecretPrefixKept: the secret has a prefix that is no part of the key.
	SecretPrefixKept Cause = "secret-prefix-kept"
	// SecretPrefixMissing: the prefix that was cut off is part of the key.
	SecretPrefixMissing Cause = "secret-prefix-missing"
	// SecretEmpty: the sender signs with an empty secret.
	SecretEmpty Cause = "secret-empty"

	// CoverBody: the body alone is signed, without id and time.
	CoverBody Cause = "cover-body"
	// CoverParts: other parts are signed, or in another order.
	CoverParts Cause = "cover-parts"
	// TimeUnit: the time is in another unit than the scheme says.
	TimeUnit Cause = "time-unit"
	// TimeSigned: the time that is signed is in another unit than that in the
	// header.
	TimeSigned Cause = "time-signed"
	// TooOld, TooNew: the signed time is beyond the tolerance.
	TooOld Cause = "too-old"
	TooNew Cause = "too-new"

	// BodyEmpty: the signature is that of the empty body.
	BodyEmpty Cause = "body-empty"
	// BodySpace: there is a newline or white space more or less at the ends.
	BodySpace Cause = "body-space"
	// BodyLines: the line ends were changed.
	BodyLines Cause = "body-lines"
	// BodyBOM: there is a byte order mark more or less.
	BodyBOM Cause = "body-bom"
	// BodyJSON: the JSON was decoded and encoded again.
	BodyJSON Cause = "body-json"
	// BodyForm: the form was decoded and encoded again.
	BodyForm Cause = "body-form"
	// BodyCompressed: the body is still compressed, or no more.
	BodyCompressed Cause = "body-compressed"
	// BodyCharset: the characters were converted.
	BodyCharset Cause = "body-charset"
	// BodyWrapped: the body is base64 or a JSON string of what was signed.
	BodyWrapped Cause = "body-wrapped"
	// BodyLength: the length declared is not that of the body.
	BodyLength Cause = "body-length"
)

// change is one thing that was otherwise. The zero change is none.
type change struct {
	cause Cause
	note  string // A name or a length, for the text.
}

func (c change) text() string {
	switch c.cause {
	case Matches:
		return "The signature is right and the time is within the tolerance. If the receiver refuses the message all the same, it sees other bytes, another secret or another clock."
	case Unexplained:
		return "None of the usual mistakes explains it. Most likely the secret is another one: compare it with the provider's, and give the secrets of other environments as Others."
	case Unusable:
		return "The configuration is refused before anything is compared: " + c.note + "."
	case HeaderMissing:
		return "A header is missing (" + c.note + "). See whether a proxy drops it, and whether the scheme names it as the provider does."
	case HeaderNames:
		return "The header's names are not in canonical form. Build the http.Header with Set or Add, and not as a map: event sources like Lambda give names in lower case."
	case HeaderOther:
		return "The signature stands in header " + c.note + ". Name that header in the scheme."
	case HeaderTwice:
		return "A header or a value in it stands there more than once, and each could be meant. Send it once; see whether a proxy adds one."
	case HeaderFolded:
		return "A proxy has joined several lines of the header with a comma. Have it pass the lines as they are."
	case HeaderMalformed:
		return "The signature is right, but a header is not written as the scheme writes it: " + c.note + "."
	case OtherScheme:
		return "The message is signed under the scheme " + c.note + ". Use that one."
	case TagPrefix:
		return "The prefix before the signature is missing or is another one than the scheme's. Compare Tag.Prefix with the header."
	case TagSpace:
		return "There is white space or a quote around the signature. The sender must not write it, and nothing in between may add it."
	case TagCase:
		return "The signature is in upper case. The sender must write lower-case hexadecimal."
	case TagEncoding:
		return "The signature is written in the other encoding. Set Encoding in the scheme to Hex or Base64, as the header has it."
	case TagBase64:
		return "The signature is base64url or has no padding. The sender must write standard base64 with padding."
	case TagLength:
		return "No value in the header has the length of a signature of this scheme" + c.note + ". It was cut off, or belongs to another scheme."
	case HashSHA1:
		return "The signature is an HMAC with SHA-1. Have the sender use SHA-256; see whether it sends a second header for that."
	case HashSHA512:
		return "The signature is an HMAC with SHA-512. Have the sender use SHA-256."
	case HashPlain:
		return "The signature is a plain SHA-256 over secret and body. Have the sender use HMAC-SHA256."
	case SecretOther:
		return "The signature was made with the secret given as " + c.note + ". Use that one here, or the other one there."
	default:
		return c.secretText()
	}
}

func (c change) secretText() string {
	switch c.cause {
	case SecretSpace:
		return "The secret has a newline or white space around it, as a file read whole does. Trim it."
	case SecretSpaceThere:
		return "The sender's secret has a newline after it. Trim it there."
	case SecretQuoted:
		return "The secret stands in quotes, which are no part of it. Drop them; see how the environment file is read."
	case SecretBase64:
		return "The sender decodes the secret from base64, and the scheme takes it as text. Set KeyForm to Whsec."
	case SecretText:
		return "The sender uses the secret as text, and the scheme decodes it from base64. Set KeyForm to Text."
	case SecretAlphabet:
		return "The secret is base64url or lacks its padding. Write it in standard base64 with padding."
	case SecretHex:
		return "The sender decodes the secret from hexadecimal. Write it as base64, and set KeyForm to Whsec."
	case SecretPrefixKept:
		return "The secret has a prefix in front that is no part of the key. Cut it off."
	case SecretPrefixMissing:
		return "The prefix whsec_ is part of the key here and was cut off. Give the secret as the provider shows it."
	case SecretEmpty:
		return "The sender signs with an empty secret. Set it there."
	case CoverBody:
		return "The sender signs the body alone. Leave id and time out of Cover, or have the sender sign them, which is safer."
	case CoverParts:
		return "The sender signs other parts or in another order: " + c.note + ". Compare Cover with what the provider documents."
	case TimeUnit:
		return "The time is in another unit than the scheme's TimeUnit says. Set it to Seconds or Milliseconds, as the header has it."
	case TimeSigned:
		return "The time that is signed and the one in the header are in different units, seconds and milliseconds. Have the sender send the text that it signs."
	case TooOld:
		return "The message was signed " + c.note + " before it was received, which is beyond the tolerance. See the clocks; judge queued messages by when they came; a sender must sign anew when it tries again."
	case TooNew:
		return "The message was signed " + c.note + " after it was received, which is beyond the tolerance. See the clocks, and whether the time is in the unit that TimeUnit says."
	default:
		return c.bodyText()
	}
}

func (c change) bodyText() string {
	switch c.cause {
	case BodyEmpty:
		return "The signature is that of the empty body. Something has read the body before it was signed or verified; or the sender signs before it writes."
	case BodySpace:
		return "The body has a newline or white space more or less at its ends than what was signed. Verify the raw bytes; see whether a file or a template adds it."
	case BodyLines:
		return "The line ends of the body were changed, CRLF or LF. Verify the raw bytes."
	case BodyBOM:
		return "There is a byte order mark more or less in front of the body. Sign and verify the same bytes."
	case BodyJSON:
		return "The JSON was decoded and encoded again after it was signed (" + c.note + "). Verify the raw bytes, before any middleware parses them; and let the sender sign the bytes that it sends."
	case BodyForm:
		return "The form was decoded and encoded again after it was signed (" + c.note + "). Verify the raw bytes, before anything calls ParseForm; and let the sender sign the bytes that it sends."
	case BodyCompressed:
		return "The body is compressed, and what was signed is not. See who decompresses it, and verify after that."
	case BodyCharset:
		return "The characters of the body were converted between Latin-1 and UTF-8. Verify the raw bytes."
	case BodyWrapped:
		return "What was signed is inside of the body, as base64 or as a JSON string. Unpack it as the platform in front documents it (isBase64Encoded), then verify."
	case BodyLength:
		return "The body has another length than Content-Length says (" + c.note + "). It was changed on its way, or cut off."
	default:
		return string(c.cause)
	}
}
