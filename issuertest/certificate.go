package issuertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

// authority issues the certificates of servers.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// trusted is the authority that every client trusts: a client may have to do with
// several issuers, such as one and its replacement.
var trusted = sync.OnceValue(newAuthority) //nolint:gochecknoglobals // Its key is random and made at the first use.

func newAuthority() *authority {
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "issuertest"},
		NotBefore:             year(1990),
		NotAfter:              year(2100),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	key, der := certify(template, nil)
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		misuse(err)
	}
	return &authority{certificate: certificate, key: key}
}

// pool is for clients that trust the authority.
func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// issue returns a server's configuration with a certificate for the host.
func (a *authority) issue(host string, notAfter time.Time) *tls.Config {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: host},
		NotBefore:   year(1990),
		NotAfter:    notAfter,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	key, der := certify(template, a)
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		NextProtos:   []string{"http/1.1"}, // In HTTP/2, connections are not a fetch's own to break.
		MinVersion:   tls.VersionTLS12,
	}
}

// config returns nil for plain HTTP.
func (t TLS) config() *tls.Config {
	switch t {
	case PlainHTTP:
		return nil
	case TrustedTLS:
		return trusted().issue(loopback, year(2100))
	case UntrustedTLS:
		return newAuthority().issue(loopback, year(2100))
	case ExpiredTLS:
		return trusted().issue(loopback, year(1995))
	case WrongHostTLS:
		return trusted().issue("other.example.com", year(2100))
	default:
		misuse(fmt.Errorf("TLS %d is none of the constants", t))
		return nil
	}
}

// certify makes a key and a certificate for it, which the issuer signs; nil: itself.
func certify(template *x509.Certificate, issuer *authority) (*ecdsa.PrivateKey, []byte) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		misuse(err)
	}
	if issuer == nil {
		issuer = &authority{certificate: template, key: key}
	}
	template.SerialNumber = new(big.Int).SetBytes([]byte(rand.Text()[:16]))
	der, err := x509.CreateCertificate(rand.Reader, template, issuer.certificate, key.Public(), issuer.key)
	if err != nil {
		misuse(err)
	}
	return key, der
}

// year is a date of a certificate. They are fixed, and fit bubbles of testing/synctest
// too, where the year is 2000.
func year(y int) time.Time { return time.Date(y, time.January, 1, 0, 0, 0, 0, time.UTC) }
