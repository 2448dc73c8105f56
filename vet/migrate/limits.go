package migrate

func (m *migration) limits() {}
