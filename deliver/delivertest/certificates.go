package delivertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"time"
)

// certificates are made anew for each server: nothing that signs is in the code.
type certificates struct {
	roots *x509.CertPool // of all but unknown

	plain    *tls.Config // in order, and no HTTP/2
	h2       *tls.Config
	old      *tls.Config
	unknown  *tls.Config
	misnamed *tls.Config
	expired  *tls.Config
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "authority for a test"},
		NotBefore:             time.Now().Add(-48 * time.Hour),
		NotAfter:              time.Now().Add(48 * time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, err
	}
	return &authority{cert: cert, key: key}, nil
}

// issue makes a certificate for loopback, or for a name instead.
func (a *authority) issue(name string, until time.Time) (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		NotBefore:    time.Now().Add(-47 * time.Hour),
		NotAfter:     until,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if name != "" {
		template.DNSNames = []string{name}
	} else {
		template.DNSNames = []string{"localhost"}
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}},
		MinVersion:   tls.VersionTLS12,
	}, nil
}

func newCertificates() (*certificates, error) {
	known, err := newAuthority()
	if err != nil {
		return nil, err
	}
	other, err := newAuthority()
	if err != nil {
		return nil, err
	}
	c := &certificates{roots: x509.NewCertPool()}
	c.roots.AddCert(known.cert)
	soon, past := time.Now().Add(47*time.Hour), time.Now().Add(-24*time.Hour)
	for _, want := range []struct {
		config **tls.Config
		by     *authority
		name   string
		until  time.Time
	}{
		{&c.plain, known, "", soon},
		{&c.unknown, other, "", soon},
		{&c.misnamed, known, "other.example.com", soon},
		{&c.expired, known, "", past},
	} {
		if *want.config, err = want.by.issue(want.name, want.until); err != nil {
			return nil, err
		}
	}
	c.h2 = c.plain.Clone()
	c.h2.NextProtos = []string{"h2"}
	c.old = c.plain.Clone()
	c.old.MinVersion, c.old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	return c, nil
}
