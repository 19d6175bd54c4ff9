// Package sqltest judges package sqlstore on real databases through real drivers.
package sqltest
