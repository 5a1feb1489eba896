using System.Globalization;
using FleetMdm.Storage.Operations;

namespace FleetMdm.Grains.Operations;

internal enum WaveVerdict
{
    /// <summary>It has not ended.</summary>
    Stay,
    /// <summary>The next one may begin.</summary>
    End,
    /// <summary>Somebody has to look.</summary>
    Stop,
}

/// <summary>Whether the next wave of an operation may begin. Pure.</summary>
internal static class WavePart
{
    /// <param name="excused">Up to this wave somebody has accepted the failures.</param>
    public static (WaveVerdict Verdict, string? Reason) Judge(OperationPace pace, OperationWaveRow wave, WaveCounts counts, int excused, DateTimeOffset now)
    {
        var answered = counts.Acknowledged + counts.Failed;
        var judges = pace.StopPercent is not null && wave.Wave > excused;
        // A wave that is smaller than the sample is judged when all of it have answered.
        var sample = counts.Waiting == 0 ? Math.Min(pace.Sample, counts.Begun) : pace.Sample;
        if (judges && answered > 0 && answered >= sample && counts.Failed * 100 > pace.StopPercent * answered)
            return (WaveVerdict.Stop, Say($"{counts.Failed} of {(wave.Wave == 1 ? $"the first {answered}" : $"{answered} in wave {wave.Wave}")} failed"));
        if (counts.Waiting > 0) return (WaveVerdict.Stay, null);
        if (counts.Ended * 100 >= counts.Begun * pace.DonePercent) return (WaveVerdict.End, null);
        if (now < counts.LastBegunAt + TimeSpan.FromHours(pace.WaveHours)) return (WaveVerdict.Stay, null);
        return judges && answered < sample
            ? (WaveVerdict.Stop, Say($"Only {answered} of {counts.Begun} in wave {wave.Wave} answered within {pace.WaveHours} hours"))
            : (WaveVerdict.End, null);
    }

    private static string Say(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
