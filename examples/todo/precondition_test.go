package main

import (
	"net/http"
	"testing"
)

func FuzzIfMatch(f *testing.F) {
	for _, seed := range []string{"*", `"1"`, `W/"1", "2"`, `"a,b" "c"`, `"`, `W/`, ",,"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		versions, err := ifMatch(http.Header{"If-Match": {value}})
		if err != nil && versions != nil {
			t.Errorf("%q gave both %v and %v", value, versions, err)
		}
		for _, v := range versions {
			if v < 0 {
				t.Errorf("%q gave the version %d", value, v)
			}
		}
	})
}
