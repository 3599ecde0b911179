package issuertest

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strconv"
)

// Fault answers a fetch of a broken [Document]. It may use healthy, which gives the
// answer without the fault, or write another. The request's context ends when the
// client goes away or the document is repaired, and the fault must end then. A nil
// Fault is none. Besides the faults of this package, a test may write its own.
//
// Faults that wait give up a fetch whose client has gone with a panic of
// [http.ErrAbortHandler], which servers understand.
//
// The faults of the body ([Oversize], [SlowBody], [HangBody], [Truncate], [Reset] and
// [ContentType]) answer 200 with the whole document, also where a matching
// validator would get 304.
type Fault func(w http.ResponseWriter, r *http.Request, healthy http.Handler)

// Hang answers nothing until the document is repaired, and then as if it had never
// been broken, with the content at the time when the fetch arrived.
func Hang() Fault {
	return func(w http.ResponseWriter, r *http.Request, healthy http.Handler) {
		hold(r.Context(), nil)
		healthy.ServeHTTP(w, r)
	}
}

// Status answers with a status such as 500 and a short text.
func Status(code int) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(code)
		_, _ = w.Write([]byte(http.StatusText(code))) // The client may have gone.
	}
}

// Body answers 200 with this body, such as garbage.
func Body(contentType, body string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write([]byte(body)) // The client may have gone.
	}
}

// Oversize answers with the document and white space after it, size octets in all
// (or the whole document, if that is longer), and does not announce the length. It
// is still valid JSON, also for a client that reads only the beginning.
func Oversize(size int) Fault {
	return func(w http.ResponseWriter, r *http.Request, healthy http.Handler) {
		body := whole(r, healthy)
		_, _ = w.Write(body)                                              // The client may have gone.
		flush(w)                                                          // Without it, a short answer would get a Content-Length.
		_, _ = w.Write(bytes.Repeat([]byte(" "), max(0, size-len(body)))) // Clients that limit the size leave here.
	}
}

// RedirectTo answers 302 and sends the client to another URL.
func RedirectTo(url string) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		http.Redirect(w, r, url, http.StatusFound)
	}
}

// ContentType answers with the document under another content type, such as
// "text/html". The empty value leaves the header field out.
func ContentType(value string) Fault {
	return func(w http.ResponseWriter, r *http.Request, healthy http.Handler) {
		body := whole(r, healthy)
		w.Header()["Content-Type"] = nil // The server would guess the type if there were no entry.
		if value != "" {
			w.Header().Set("Content-Type", value)
		}
		announce(w, body)
		_, _ = w.Write(body) // The client may have gone.
	}
}

// NotModified answers 304, whether or not the fetch bears a validator. RFC 9110
// §15.4.5 allows that for a matching validator only.
func NotModified() Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Del("Content-Type")
		w.WriteHeader(http.StatusNotModified)
	}
}

// whole returns the body of the healthy answer to a GET without validators, so that
// a fault of the body has a body to spoil.
func whole(r *http.Request, healthy http.Handler) []byte {
	plain := r.Clone(r.Context())
	plain.Method = http.MethodGet
	for _, name := range []string{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "Range"} {
		plain.Header.Del(name)
	}
	answer := httptest.NewRecorder()
	healthy.ServeHTTP(answer, plain)
	return answer.Body.Bytes()
}

// announce states the length of a body that will be sent in pieces, or not to its end.
func announce(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
}

// flush sends the header, and what has been written of the body.
func flush(w http.ResponseWriter) {
	_ = http.NewResponseController(w).Flush() // The client may have gone.
}
