namespace FleetMdm.Grains.Devices;

internal static class Moments
{
    /// <summary>Something happened no longer ago than that. Not so when it lies ahead: then the clock was put back, and nothing is known.</summary>
    public static bool IsWithin(this DateTimeOffset happened, TimeSpan span, DateTimeOffset now) => now >= happened && now - happened < span;
}
