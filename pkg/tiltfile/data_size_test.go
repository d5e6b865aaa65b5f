// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestDataSize reads data of exactly the limit, and a byte more, through every builtin that takes data.
func TestDataSize(t *testing.T) {
	const limit = 2 << 10
	const tooLarge = " is larger than 2Ki: set the environment variable TILT_SESSION_MAX_DATA_SIZE to allow more"
	for _, source := range []string{
		"read_file('f')",
		"read_json('f')",
		"read_yaml('f')",
		"read_yaml_stream('f')",
		"filter_yaml('f')",
		"config.parse()",
		"decode_json(TEXT)",
		"decode_yaml(TEXT)",
		"decode_yaml_stream(blob(TEXT))",
		"filter_yaml(blob(TEXT))",
		"local('cat f', quiet=True, echo_off=True)",
	} {
		for _, size := range []int{limit, limit + 1} {
			text := `{"kind": "x"` + strings.Repeat(" ", size-len(`{"kind": "x"}`)) + "}"
			options := tiltfile(t, "TEXT = '"+text+"'\nconfig.define_string('kind')\n"+source+"\nlocal_resource('a', 'x')")
			writeFile(t, filepath.Join(filepath.Dir(options.Path), "f"), []byte(text))
			if source == "config.parse()" {
				writeFile(t, filepath.Join(filepath.Dir(options.Path), "tilt_config.json"), []byte(text))
			}
			options.MaxDataSize = limit
			_, err := Load(t.Context(), options)
			switch {
			case size == limit && err != nil:
				t.Errorf("%s: %v", source, err)
			case size == limit:
			case strings.HasPrefix(source, "local"):
				requireError(t, err, KindEvaluation, "the output of the command"+tooLarge)
			default:
				requireError(t, err, KindEvaluation, tooLarge)
			}
		}
	}
}

// TestLargeData decodes and keeps more than a small limit would allow.
func TestLargeData(t *testing.T) {
	_, err := Load(t.Context(), tiltfile(t, `
JSON = '[' + ','.join(['[{}]'] * 260000) + ']'
LISTS = decode_json(JSON)
TEXT = decode_yaml('"' + 'x' * (17 << 20) + '"')
if len(LISTS) != 260000 or len(decode_json(encode_json(TEXT))) != 17 << 20:
    fail('lost')
local_resource('a', 'x')
`))
	if err != nil {
		t.Error(err)
	}
}
