//! DCOM wire formats: ORPC headers, object references, activation, OXID resolution, IRemUnknown
