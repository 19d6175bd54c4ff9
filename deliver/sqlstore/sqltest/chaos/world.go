package main

import (
	"fmt"
	"time"

	"example.com/paperround/deliver"
	"example.com/paperround/sign"
	"example.com/paperround/topic"
)

const (
	tenants      = 8
	keys         = 5 // of each tenant
	laneTopic    = topic.Topic("chaos:lane.moved")
	workerHeader = "X-Worker"

	// lease is for how long a dead process holds what it had.
	lease = 2 * time.Second
)

// lane is a tenant's key: what is published under it is numbered from 1.
type lane struct{ tenant, key string }

func lanes() []lane {
	var list []lane
	for t := range tenants {
		for k := range keys {
			list = append(list, lane{tenant: fmt.Sprintf("t%d", t), key: fmt.Sprintf("k%d", k)})
		}
	}
	return list
}

// payload is the body of an event.
type payload struct {
	Tenant string `json:"tenant"`
	Key    string `json:"key"`
	N      int    `json:"n"`
}

// id is what the message of a payload is published under.
func (p payload) id() string { return fmt.Sprintf("%s:%s:%d", p.Tenant, p.Key, p.N) }

// endpointsOf returns the ids of a tenant's endpoints: each gets everything.
func endpointsOf(tenant string) []string { return []string{orderedEndpoint(tenant), tenant + "-free"} }

func orderedEndpoint(tenant string) string { return tenant + "-ordered" }

func ring() (*sign.Ring, error) {
	return sign.NewRing(sign.Key{ID: "chaos", Secret: sign.NewSecret("whsec_Y2hhb3MgY2hhb3MgY2hhb3MgY2hhb3M=")})
}

// directory knows all endpoints, all of them at the receiver; requests name the
// worker that makes them.
func directory(receiver, worker string) (*deliver.StaticDirectory, error) {
	keys, err := ring()
	if err != nil {
		return nil, err
	}
	signer, err := sign.New(sign.StandardWebhooks(), keys, nil)
	if err != nil {
		return nil, err
	}
	var endpoints []*deliver.Endpoint
	for t := range tenants {
		tenant := fmt.Sprintf("t%d", t)
		for _, id := range endpointsOf(tenant) {
			endpoints = append(endpoints, &deliver.Endpoint{
				ID:      id,
				Tenant:  tenant,
				URL:     receiver + "/" + id,
				Topics:  []topic.Pattern{topic.Everything},
				Signer:  signer,
				Header:  map[string][]string{workerHeader: {worker}},
				Ordered: id == orderedEndpoint(tenant),
			})
		}
	}
	return deliver.Static(endpoints...)
}
