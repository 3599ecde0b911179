package resilience

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
)

// The doubles are libraries with one weakness each, so that it is known what the
// harness must see.

var (
	errForged = errors.New("the signature does not fit")
	errNoKeys = errors.New("the keys cannot be had")
)

// double makes a library of what a subject does with a token. Its errors are errForged,
// errNoKeys or those of a context.
func double(verify func(ctx context.Context, s Setup, raw string) error) Library {
	return Library{
		Name:  "double",
		Clock: GivenClock,
		New: func(_ context.Context, s Setup) (Subject, error) {
			return subject{func(ctx context.Context, raw string) error { return verify(ctx, s, raw) }}, nil
		},
		Classify: func(err error) Outcome {
			switch {
			case errors.Is(err, errForged):
				return Invalid
			case errors.Is(err, context.Canceled):
				return Canceled
			case errors.Is(err, errNoKeys):
				return Unavailable
			default:
				return Unclear
			}
		},
	}
}

type subject struct {
	verify func(ctx context.Context, raw string) error
}

func (s subject) Verify(ctx context.Context, raw string) error { return s.verify(ctx, raw) }

func (subject) Close() {}

// forgetful fetches for each token, on the context of its caller.
func forgetful(ctx context.Context, s Setup, raw string) error {
	keys, err := fetch(ctx, s)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return errNoKeys
	}
	return check(keys, raw)
}

// fetch follows redirects and reads all there is.
func fetch(ctx context.Context, s Setup) (map[string]*rsa.PublicKey, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.KeySetURL, nil)
	if err != nil {
		return nil, err
	}
	response, err := s.Client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", response.StatusCode)
	}
	var set struct {
		Keys []struct{ Kty, Kid, N, E string }
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, err
	}
	keys := map[string]*rsa.PublicKey{}
	for _, jwk := range set.Keys {
		n, err := base64.RawURLEncoding.DecodeString(jwk.N)
		if jwk.Kty != "RSA" || err != nil || len(n) < 256 {
			continue
		}
		keys[jwk.Kid] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
	}
	if len(keys) == 0 {
		return nil, errors.New("no key")
	}
	return keys, nil
}

// check checks the signature and nothing else.
func check(keys map[string]*rsa.PublicKey, raw string) error {
	parts := strings.Split(raw, ".")
	var header struct{ Kid string }
	data, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err == nil {
		err = json.Unmarshal(data, &header)
	}
	signature, bad := base64.RawURLEncoding.DecodeString(parts[2])
	key := keys[header.Kid]
	if err != nil || bad != nil || key == nil {
		return errForged
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) != nil {
		return errForged
	}
	return nil
}
