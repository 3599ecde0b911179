package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// checkLimit is how long a health check waits for its answer.
const checkLimit = 3 * time.Second

// parseCheck reads the URL that a health check asks. An empty one is an error: taken for
// none, a check whose variable is not set would start another server.
func parseCheck(value string) (*url.URL, error) {
	u, err := url.Parse(value)
	if err != nil {
		return nil, err
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, errors.New("not the URL of a server")
	}
	return u, nil
}

// checkHealth asks a running service how it is, for a container whose image has no
// curl. It returns nil only for 200.
func checkHealth(ctx context.Context, at *url.URL) error {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return err
	}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r) // and no proxy
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", at.Redacted(), answer.Status)
	}
	return nil
}
