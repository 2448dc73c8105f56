package clientjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Unmarshal is [json.Unmarshal] for a text that must be UTF-8, and must not have fields
// that v does not have if strict is true. An error continues a sentence that begins with
// the text, and has nothing of Go in it: "the body must be JSON".
func Unmarshal(text []byte, v any, strict bool) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if strict {
		d.DisallowUnknownFields()
	}
	if !utf8.Valid(text) {
		return errors.New("must be UTF-8")
	}
	if !json.Valid(text) {
		return errors.New("must be JSON")
	}
	err := d.Decode(v)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if wrong.Field != "" {
			return fmt.Errorf("has a field %q of the wrong type: %s", wrong.Field, wrong.Value)
		}
		return fmt.Errorf("is of the wrong type: %s", wrong.Value)
	}
	if field, ok := strings.CutPrefix(fmt.Sprint(err), "json: unknown field "); ok {
		return fmt.Errorf("must not have the field %s", field)
	}
	return err
}
