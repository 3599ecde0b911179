//go:build keycloak

package main

import (
	"bytes"
	"encoding/json/v2"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// realmKeys is what the admin REST API says of the keys of a realm.
type realmKeys struct {
	Active map[string]string `json:"active"` // key id by algorithm
	Keys   []struct {
		Kid        string `json:"kid"`
		ProviderID string `json:"providerId"`
		Status     string `json:"status"`
	} `json:"keys"`
}

// addKey gives the realm a signing key that comes before all others, and
// returns its id.
func (k *realKeycloak) addKey(t *testing.T) string {
	t.Helper()
	k.priority += 100
	k.admin(t, "POST", "/components", map[string]any{
		"name": "rsa-" + strconv.Itoa(k.priority), "providerId": "rsa-generated", "providerType": "org.keycloak.keys.KeyProvider",
		"config": map[string][]string{"priority": {strconv.Itoa(k.priority)}, "keySize": {"2048"}, "algorithm": {"RS256"}},
	}, http.StatusCreated)
	return k.keys(t).Active["RS256"]
}

// disableKey takes a key out of the realm's key set. The component has to be
// sent whole.
func (k *realKeycloak) disableKey(t *testing.T, kid string) {
	t.Helper()
	for _, key := range k.keys(t).Keys {
		if key.Kid != kid {
			continue
		}
		path := "/components/" + key.ProviderID
		component := fromJSON[map[string]any](t, k.admin(t, "GET", path, nil, http.StatusOK))
		config, ok := component["config"].(map[string]any)
		if !ok {
			t.Fatalf("the key provider of %s has no configuration", kid)
		}
		config["enabled"] = []string{"false"}
		k.admin(t, "PUT", path, component, http.StatusNoContent)
		return
	}
	t.Fatalf("the realm has no key %s", kid)
}

func (k *realKeycloak) keys(t *testing.T) realmKeys {
	t.Helper()
	return fromJSON[realmKeys](t, k.admin(t, "GET", "/keys", nil, http.StatusOK))
}

// admin calls the admin REST API of the realm, with a token of its own because
// they last a minute only.
func (k *realKeycloak) admin(t *testing.T, method, path string, body any, want int) string {
	t.Helper()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), method, k.base+"/admin/realms/myrealm"+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+k.token(t, "master", form{"grant_type": "password", "client_id": "admin-cli", "username": "admin", "password": "admin"}).Access)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	status, answer, err := fetchText(r)
	if err != nil || status != want {
		t.Fatalf("%s %s gave %d, %v, want %d: %.300s", method, path, status, err, want, answer)
	}
	return answer
}

// fetchText sends a request and reads the answer.
func fetchText(r *http.Request) (status int, text string, err error) {
	resp, err := (&http.Client{Timeout: 30 * time.Second}).Do(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, "", fmt.Errorf("reading the answer: %w", err)
	}
	return resp.StatusCode, string(body), nil
}
