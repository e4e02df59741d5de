package diagnosis

// fewestNeighbours is how many members of other clusters must share the fate of a member before its host or zone is named:
// one may have a fault of its own.
const fewestNeighbours = 2

// onHost counts the neighbours on a member's host whose state is known, and those that are hurt as the member is.
func (s *Snapshot) onHost(m Member, state func(Neighbour) (hurt, known bool)) (hurt, known int) {
	return s.count(func(n Member) bool { return m.Host != "" && n.Host == m.Host }, state)
}

// elsewhereInZone counts those on the other hosts of its zone.
func (s *Snapshot) elsewhereInZone(m Member, state func(Neighbour) (hurt, known bool)) (hurt, known int) {
	return s.count(func(n Member) bool { return m.Zone != "" && n.Zone == m.Zone && n.Host != m.Host }, state)
}

func (s *Snapshot) count(in func(Member) bool, state func(Neighbour) (hurt, known bool)) (hurt, known int) {
	for _, n := range s.Neighbours {
		isHurt, isKnown := state(n)
		if isKnown && in(n.Member) {
			known++
			if isHurt {
				hurt++
			}
		}
	}
	return hurt, known
}
