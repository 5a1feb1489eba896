namespace FleetMdm.Storage.Devices;

/// <summary>What changes with every contact; each call is one statement, outside the lanes (see the ports of the same names).</summary>
/// <remarks>Times only go forwards, whoever comes late; but one that is further ahead of a new one than <see cref="ClockWasWrong"/> was written by a
/// clock that was wrong, and gives way.</remarks>
internal interface IActivityStore
{
    /// <summary>Longer than a time waits for being written.</summary>
    static readonly TimeSpan ClockWasWrong = TimeSpan.FromHours(1);

    Task Touch(IReadOnlyList<(string EnrolmentId, DateTimeOffset At)> seen);

    Task RecordPushes(IReadOnlyList<PushRecord> pushes);
}
