// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package delivery knows which events the open watches of a cluster-scoped
// resource still have to be handed.
//
// A Tracker sits at two places of a registry. Around the storage it notes each
// write: its version, and what selectors see of the object before and after it.
// Around Watch it passes each event on and notes how far the watch has come. So
// it can tell for every watch whether an event of a write is still on its way,
// without asking the watch cache, which has no such question.
//
// Handed means that the handler of the request has taken the event, which it
// encodes, writes and flushes before it takes another one.
//
// Only writes that went through this Tracker are known. In a group of replicas
// over one storage each one vouches for the writes it has answered itself.
package delivery
