package httpauth

import (
	"encoding/json/v2"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/bearerproof/bearerproof/verifier"
)

// Refusal is an answer to a request that is not let through.
type Refusal struct {
	// Status is the answer's status: 400, 401, 403, 500 or 503.
	Status int
	// Code is the error code of RFC 6750 §3.1: "invalid_request", "invalid_token" or
	// "insufficient_scope". It is "" where the challenge has none, and where there is
	// no challenge.
	Code string
	// Description is a generic text that may be sent. It contains nothing of the
	// request, the token or Err.
	Description string
	// Err is why, exactly, for logs and metrics ([verifier.KindOf]). It is never nil.
	Err error
}

// The error codes of RFC 6750 §3.1.
const (
	codeInvalidRequest    = "invalid_request"
	codeInvalidToken      = "invalid_token"
	codeInsufficientScope = "insufficient_scope"
)

// answer is what a kind of error deserves.
type answer struct {
	status      int
	code        string
	description string // must be quotable, see isQuotable
}

func answerTo(kind verifier.Kind) answer {
	switch kind {
	case verifier.ErrNoCredentials:
		return answer{http.StatusUnauthorized, "", "a bearer token is required"}
	case verifier.ErrInvalidRequest:
		return answer{http.StatusBadRequest, codeInvalidRequest, "the Authorization field must be one Bearer credential"}
	case verifier.ErrForbidden:
		return answer{http.StatusForbidden, codeInsufficientScope, "the access token is not sufficient for this request"}
	case verifier.ErrKeysUnavailable:
		return answer{http.StatusServiceUnavailable, "", "access tokens cannot be verified at the moment"}
	case verifier.ErrUnavailable:
		return answer{http.StatusServiceUnavailable, "", "the request cannot be authorized at the moment"}
	case verifier.ErrCanceled:
		return answer{http.StatusServiceUnavailable, "", "the request ended before it was authorized"}
	default:
		if errors.Is(kind, verifier.ErrInvalidToken) {
			return answer{http.StatusUnauthorized, codeInvalidToken, faultOf(kind)}
		}
		return answer{http.StatusInternalServerError, "", "the request could not be authorized"}
	}
}

// faultOf describes a fault of the token by its kind alone (RFC 6750 §5).
func faultOf(kind verifier.Kind) string {
	switch kind {
	case verifier.ErrMalformed:
		return "the access token is malformed"
	case verifier.ErrAlgorithm:
		return "the access token is signed with an algorithm that is not accepted here"
	case verifier.ErrType:
		return "this type of token is not accepted here"
	case verifier.ErrBinding:
		return "the access token is bound to a key and is not accepted as a bearer token"
	case verifier.ErrUnknownKey:
		return "the access token is signed with an unknown key"
	case verifier.ErrSignature:
		return "the signature of the access token is not valid"
	case verifier.ErrExpired:
		return "the access token has expired"
	case verifier.ErrNotYetValid:
		return "the access token is not valid yet"
	case verifier.ErrIssuer:
		return "the access token is from another issuer"
	case verifier.ErrAudience:
		return "the access token is not meant for this service"
	case verifier.ErrClaim:
		return "a claim of the access token is missing or not acceptable"
	default:
		return "the access token is not valid"
	}
}

// refuse answers a request and logs why. The token is nil unless it is good.
func (a *Auth) refuse(w http.ResponseWriter, r *http.Request, t *verifier.Token, err error) {
	if a == nil {
		a = New(nil, nil)
	}
	kind := verifier.KindOf(err)
	answer := answerTo(kind)
	a.log(r, t, kind, answer, err)
	a.setFields(w.Header(), answer, err)
	refusal := Refusal{Status: answer.status, Code: answer.code, Description: answer.description, Err: err}
	if a.errorWriter == nil {
		writeProblem(w, r, refusal)
		return
	}
	guarded := &refusalWriter{ResponseWriter: w, status: refusal.Status}
	a.errorWriter(guarded, r, refusal)
	guarded.finish()
}

// setFields sets the fields of an answer, and takes out what was meant for another.
// Content-Encoding stays: a middleware outside that compresses has set it.
func (a *Auth) setFields(header http.Header, answer answer, err error) {
	for _, name := range []string{"Content-Length", "Etag", "Last-Modified", "Retry-After", "Www-Authenticate"} {
		header.Del(name)
	}
	header.Set("Cache-Control", "no-store")
	field := "WWW-Authenticate"
	switch {
	case answer.status < http.StatusInternalServerError:
		header.Set(field, a.challengeFor(answer, err))
	case answer.status == http.StatusServiceUnavailable:
		// RFC 9110 §15.6.4. No challenge: the client would throw away a good token.
		field = "Retry-After"
		header.Set(field, strconv.Itoa(int(verifier.RetryAfter(err)/time.Second)))
	default:
		return
	}
	if a.exposeChallenge {
		header.Add("Access-Control-Expose-Headers", field)
	}
}

// writeProblem writes a problem of RFC 9457. Its type is about:blank, whose title
// is the status's name (§4.2.1).
func writeProblem(w http.ResponseWriter, r *http.Request, refusal Refusal) {
	body, err := json.Marshal(problem{
		Type:   "about:blank",
		Title:  http.StatusText(refusal.Status),
		Status: refusal.Status,
		Detail: refusal.Description,
	})
	header := w.Header()
	header.Set("Content-Type", "application/problem+json")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(refusal.Status)
	if err != nil || r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(body) // a client that has gone needs no answer
}

type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// log writes the one line of a refusal.
func (a *Auth) log(r *http.Request, t *verifier.Token, kind verifier.Kind, answer answer, err error) {
	logger := a.logger
	if logger == nil {
		logger = slog.Default()
	}
	level, message := levelOf(answer), "request refused"
	if wasCanceled(r, answer, err) {
		level, message = slog.LevelDebug, "request canceled"
	}
	if !logger.Enabled(r.Context(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("kind", kind.String()),
		slog.Int("status", answer.status),
		slog.String("method", shortened(r.Method)),
		slog.String("pattern", r.Pattern),
		slog.String("error", err.Error()),
	}
	if t != nil {
		attrs = append(attrs, slog.Any("caller", t))
	}
	logger.LogAttrs(r.Context(), level, message, attrs...)
}

// levelOf keeps what anybody can cause, as often as they like, out of a log of level
// Info.
func levelOf(answer answer) slog.Level {
	switch answer.status {
	case http.StatusForbidden:
		return slog.LevelInfo
	case http.StatusServiceUnavailable:
		return slog.LevelWarn
	case http.StatusInternalServerError:
		return slog.LevelError
	default:
		return slog.LevelDebug
	}
}

// wasCanceled reports whether a request was given up because its context ended,
// which is nobody's failure. A deadline of the service's own, say on a database
// query, is one.
func wasCanceled(r *http.Request, answer answer, err error) bool {
	ended := r.Context().Err()
	if ended == nil || answer.status != http.StatusServiceUnavailable {
		return false
	}
	return verifier.KindOf(err) == verifier.ErrCanceled || errors.Is(err, ended)
}

// shortened cuts a method, which a client may make as long as a header can be.
func shortened(method string) string {
	return method[:min(len(method), 32)]
}

// refusalWriter keeps an ErrorWriter that forgets the status from sending 200.
type refusalWriter struct {
	http.ResponseWriter

	status int
	wrote  bool
}

// WriteHeader implements [http.ResponseWriter].
func (w *refusalWriter) WriteHeader(status int) {
	w.wrote = w.wrote || status >= http.StatusOK
	w.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (w *refusalWriter) Write(data []byte) (int, error) {
	w.finish()
	return w.ResponseWriter.Write(data)
}

// finish writes the status if nothing has.
func (w *refusalWriter) finish() {
	if !w.wrote {
		w.WriteHeader(w.status)
	}
}
