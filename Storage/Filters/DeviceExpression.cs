namespace FleetMdm.Storage.Filters;

/// <summary>A filter that was read, at a time: what is "seven days ago" in it counts from there.</summary>
/// <param name="Text">As it was written.</param>
public sealed record DeviceExpression(string Text, FilterNode Node, DateTimeOffset Now)
{
    /// <exception cref="FilterException">It cannot be read.</exception>
    public static DeviceExpression Parse(string text, DateTimeOffset now) => new(text, FilterParser.Parse(text), now);
}
