package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/bearerproof/bearerproof/adapters/grpcauth"
	"github.com/bearerproof/bearerproof/adapters/httpauth"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// auth is the road of a token: the keys, and the adapters that ask for it.
type auth struct {
	keys    *jwks.Remote
	metrics *metrics
	http    *httpauth.Auth
	grpc    *grpcauth.Auth
}

// newAuth wires the settings to the issuer's keys, the verifier and the
// adapters. It does no I/O: the issuer may be down.
func newAuth(s settings, log *slog.Logger) (auth, error) {
	metrics := newMetrics()
	keys, err := newKeys(s, log, metrics)
	if err != nil {
		return auth{}, err
	}
	metrics.watch(keys.Status)
	v, err := verifier.New(verifier.Config{
		Issuer:     s.issuer,
		Audience:   verifier.AnyOf(s.audience),
		Algorithms: s.algorithms,
		Keys:       keys,
		Leeway:     max(s.leeway, time.Nanosecond), // 0 would be the default
		Check:      subject,
		Observer:   metrics,
	})
	if err != nil {
		return auth{}, err
	}
	explained := newRefusals(v, log)
	return auth{
		keys:    keys,
		metrics: metrics,
		http:    httpauth.New(explained, &httpauth.Options{Realm: "todo", Logger: log}),
		grpc: grpcauth.New(explained, &grpcauth.Options{
			Public:             []string{grpc_health_v1.Health_Check_FullMethodName},
			Require:            rpcChecks(),
			EndStreamsAtExpiry: true,
			Logger:             log,
		}),
	}, nil
}

func newKeys(s settings, log *slog.Logger, observer jwks.Observer) (*jwks.Remote, error) {
	options := &jwks.Options{
		Interval:          s.jwksRefresh,
		Cooldown:          s.jwksCooldown,
		MaxStale:          s.jwksMaxStale,
		InsecureAllowHTTP: s.insecureHTTP,
		Failover:          s.jwksFailover,
		Logger:            log,
		Observer:          observer,
	}
	if s.jwksSnapshot != "" {
		options.Snapshot = jwks.FileSnapshot(s.jwksSnapshot)
	}
	if s.jwksURL != "" {
		return jwks.NewRemote(s.jwksURL, options)
	}
	return jwks.Discover(s.issuer, options)
}

// subject refuses a token that cannot own todos: without a subject, all such
// tokens would own the same ones. OpenID Connect Core §2 allows 255 bytes.
func subject(_ context.Context, t *verifier.Token) error {
	if s := t.Subject(); s == "" || len(s) > 255 || strings.ContainsRune(s, 0) {
		return errors.New("the subject is absent or cannot be stored")
	}
	return nil
}
