package main

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// checkLimit is how long a health check waits for its answer.
const checkLimit = 3 * time.Second

// checkHealth asks a running service how it is, for a container whose image has no
// curl. It returns nil only for 200.
func checkHealth(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r) // and no proxy
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, answer.Status)
	}
	return nil
}
