// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"net/http"
)

// Kept returns how many codes and logins a Site keeps.
func (s *Site) Kept() (codes, logins int) { return len(s.logins.codes), len(s.logins.open) }

// Dump returns all that a Site keeps of codes and logins.
func (s *Site) Dump() string {
	text := fmt.Sprintf("%+v", s.logins.codes)
	for _, l := range s.logins.open {
		text += fmt.Sprintf("%+v", *l)
	}
	return text
}

// Code returns a code for a person.
func (s *Site) Code(viewOnly bool) string { return s.NewCode(NewCode{ViewOnly: viewOnly}, anyUser) }

// SetClientUser replaces ClientUser.
func (s *Site) SetClientUser(user func(*http.Request) int) { s.clientUser = user }
