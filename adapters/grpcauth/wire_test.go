package grpcauth_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/bearerproof/bearerproof/adapters/grpcauth"
	"github.com/bearerproof/bearerproof/verifier"
)

// A gRPC library maps an HTTP status of 400 to INTERNAL, so no refusal may be a bare
// HTTP error: it is status 200 with grpc-status. And what a gateway makes of the
// code must be 401, 403 or 503 again. The requests are written without gRPC's own
// client, which refuses to send some of them.
func TestR103RefusalsAreGRPCStatuses(t *testing.T) {
	v, issuer := verifierAndIssuer(t)
	good := "Bearer " + issuer.Token(nil)
	o := options()
	o.Require = map[string][]verifier.Check{duplexCall: {verifier.Scopes("a")}}
	url, client := listen(t, grpcauth.New(v, o))
	brokenURL, _ := listen(t, grpcauth.New(refusing(verifier.ErrKeysUnavailable), options()))
	for _, tt := range []struct {
		name   string
		url    string
		method string
		values []string
		want   codes.Code
	}{
		{"good", url, emptyCall, []string{good}, codes.OK},
		{"no token", url, emptyCall, nil, codes.Unauthenticated},
		{"two fields", url, emptyCall, []string{good, good}, codes.Unauthenticated},
		{"a list", url, emptyCall, []string{good + "," + good}, codes.Unauthenticated},
		{"a tab", url, emptyCall, []string{"Bearer\t" + good[7:]}, codes.Unauthenticated},
		{"an octet beyond ASCII", url, emptyCall, []string{good + "\xe9"}, codes.Unauthenticated},
		{"not a JWT", url, emptyCall, []string{"Bearer x"}, codes.Unauthenticated},
		{"forbidden", url, duplexCall, []string{good}, codes.PermissionDenied},
		{"no token for a stream", url, duplexCall, nil, codes.Unauthenticated},
		{"keys unavailable", brokenURL, emptyCall, []string{good}, codes.Unavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, tt.url+tt.method, bytes.NewReader(make([]byte, 5)))
			if err != nil {
				t.Fatal(err)
			}
			request.Header["Authorization"] = tt.values
			request.Header.Set("Content-Type", "application/grpc")
			request.Header.Set("TE", "trailers")
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if _, err := io.Copy(io.Discard, response.Body); err != nil {
				t.Fatal(err)
			}
			got := response.Trailer.Get("Grpc-Status") + response.Header.Get("Grpc-Status") // one of them
			if want := strconv.Itoa(int(tt.want)); response.StatusCode != http.StatusOK || got != want {
				t.Errorf("HTTP status %d with grpc-status %q, want 200 with %q", response.StatusCode, got, want)
			}
		})
	}
}

// listen serves on a real socket and returns an HTTP/2 client for it.
func listen(t *testing.T, auth *grpcauth.Auth) (string, *http.Client) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := newServer(auth, &service{})
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return "http://" + listener.Addr().String(), &http.Client{Transport: transport}
}
