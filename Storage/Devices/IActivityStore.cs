namespace FleetMdm.Storage.Devices;

/// <summary>What changes with every contact; each call is one statement, outside the lanes (see the ports of the same names).</summary>
internal interface IActivityStore
{
    Task Touch(IReadOnlyList<(string EnrolmentId, DateTimeOffset At)> seen);

    Task RecordPushes(IReadOnlyList<PushRecord> pushes);
}
