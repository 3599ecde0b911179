package main

import (
	"bytes"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
)

// maxBody is the longest request body, in bytes.
const maxBody = 64 << 10

// optional is a JSON member that may be left out. null is refused: it would
// look like a wish that is not granted.
type optional[T any] struct{ value *T }

// UnmarshalJSON implements json.Unmarshaler.
func (o *optional[T]) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return errors.New("null is not a value here")
	}
	o.value = new(T)
	return json.Unmarshal(text, o.value)
}

// readBody decodes the request's body, which must be one JSON object with no
// members but those of T, none of them twice, in valid UTF-8.
func readBody[T any](w http.ResponseWriter, r *http.Request) (T, error) {
	var body T
	if !isJSON(r.Header) {
		return body, newProblem(http.StatusUnsupportedMediaType, "the body must be application/json")
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return body, unreadable(err)
	}
	if !bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) {
		return body, newProblem(http.StatusBadRequest, "the body must be a JSON object")
	}
	if err := json.Unmarshal(text, &body, json.RejectUnknownMembers(true)); err != nil {
		return body, newProblem(http.StatusBadRequest, "the body is not the JSON object that is expected here")
	}
	return body, nil
}

// isJSON reports whether the header announces JSON in UTF-8, not compressed.
func isJSON(h http.Header) bool {
	types := h.Values("Content-Type")
	if len(types) != 1 || h.Get("Content-Encoding") != "" {
		return false
	}
	mediaType, parameters, err := mime.ParseMediaType(types[0])
	charset, hasCharset := parameters["charset"]
	return err == nil && mediaType == "application/json" && (!hasCharset || strings.EqualFold(charset, "utf-8"))
}

func unreadable(err error) error {
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return newProblem(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body must not be longer than %d bytes", maxBody))
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return newProblem(http.StatusRequestTimeout, "the body did not arrive in time")
	}
	return newProblem(http.StatusBadRequest, "the body cannot be read")
}
