package document

import (
	"bytes"
	"encoding/json/v2"
	"fmt"
)

// Lines writes values as JSON, one a line.
func Lines[T any](values []T) ([]byte, error) {
	var out bytes.Buffer
	for _, v := range values {
		text, err := json.Marshal(v, json.Deterministic(true))
		if err != nil {
			return nil, err
		}
		out.Write(text)
		out.WriteByte('\n')
	}
	return out.Bytes(), nil
}

// Values reads what [Lines] wrote. A member that T does not have is an error.
func Values[T any](text []byte) (values []T, err error) {
	for n, line := range bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
		var v T
		if err := json.Unmarshal(line, &v, json.RejectUnknownMembers(true)); err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
		values = append(values, v)
	}
	return values, nil
}
