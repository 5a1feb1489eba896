namespace FleetMdm.Storage.Devices;

/// <summary>What an enrolment's id tells.</summary>
internal static class EnrolmentIds
{
    /// <summary>The id of the device channel that an id belongs to: the part before the first colon.</summary>
    public static string DeviceOf(string enrolmentId)
    {
        var colon = enrolmentId.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? enrolmentId : enrolmentId[..colon];
    }
}
