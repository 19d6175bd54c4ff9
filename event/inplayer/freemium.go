package inplayer

// FreemiumGrantSuccess says that access to a free asset was given.
//
// Topic inplayer:freemium.grant.success, evidence: name alone.
// Source: https://inplayer.com/docs/account/webhooks
type FreemiumGrantSuccess struct {
	Envelope `json:"-"`

	// Resource is the payload as it came, since nobody published what is in it.
	Resource Resource `json:"-"`
}

// FreemiumGrantFailed says that access to a free asset could not be given.
//
// Topic inplayer:freemium.grant.failed, evidence: name alone.
// Source: https://inplayer.com/docs/account/webhooks
type FreemiumGrantFailed struct {
	Envelope `json:"-"`

	// Resource is the payload as it came, since nobody published what is in it.
	Resource Resource `json:"-"`
}
