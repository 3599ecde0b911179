package issuertest

import (
	"bytes"
	"net/http"
	"net/http/httptest"
)

// Fault answers a fetch of a broken [Document]. It may use healthy, which gives the
// answer without the fault, or write another. The request's context ends when the
// client goes away or the document is repaired, and the fault must end then. A nil
// Fault is none. Besides the faults of this package, a test may write its own.
type Fault func(w http.ResponseWriter, r *http.Request, healthy http.Handler)

// Hang answers nothing until the document is repaired, and then as if it had never
// been broken, with the content at the time when the fetch arrived.
func Hang() Fault {
	return func(w http.ResponseWriter, r *http.Request, healthy http.Handler) {
		<-r.Context().Done()
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
		whole := httptest.NewRecorder()
		healthy.ServeHTTP(whole, r)
		padding := max(0, size-whole.Body.Len())
		_, _ = w.Write(whole.Body.Bytes()) // The client may have gone.
		if f, ok := w.(http.Flusher); ok {
			f.Flush() // Without it, a short answer would get a Content-Length.
		}
		_, _ = w.Write(bytes.Repeat([]byte(" "), padding)) // Clients that limit the size leave here.
	}
}

// RedirectTo answers 302 and sends the client to another URL.
func RedirectTo(url string) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		http.Redirect(w, r, url, http.StatusFound)
	}
}
