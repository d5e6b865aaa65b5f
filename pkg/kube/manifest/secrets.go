// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"encoding/base64"
	"maps"
	"slices"

	"tilt.dev/session/pkg/model"
)

// minSecret is how long a value has to be: a shorter one would make logs unreadable.
const minSecret = 5

// Secrets returns the values of Secrets that logs must not show: those of data and stringData with at least 5 bytes.
// A value that isn't base64 is left out; the cluster refuses it.
func Secrets(objects []model.Object) (secrets []model.Secret) {
	for _, o := range objects {
		id := IDOf(o)
		if id.APIVersion != "v1" || id.Kind != "Secret" {
			continue
		}
		for _, field := range []string{"data", "stringData"} {
			values := stringsAt(o, field)
			for _, key := range slices.Sorted(maps.Keys(values)) {
				value, err := []byte(values[key]), error(nil)
				if field == "data" {
					value, err = base64.StdEncoding.DecodeString(values[key])
				}
				if err == nil && len(value) >= minSecret {
					secrets = append(secrets, model.Secret{Name: id.Name, Key: key, Value: value})
				}
			}
		}
	}
	return secrets
}
