namespace FleetMdm.Grains.Interfaces;

/// <summary>The person or program for whom a grain is called: the API says it once for a request, and it travels with each grain call that
/// the request makes. Grains record it with what they change.</summary>
/// <remarks>It rides in Orleans' request context, not in each message: a method of administrators that is added later has it without being told.
/// iPads' messages carry none.</remarks>
/// <param name="TokenId">Of the API token, or of the account.</param>
/// <param name="Name">As the token or account is named now.</param>
/// <param name="Address">Where the request came from.</param>
/// <param name="Reason">Why, if that was said.</param>
/// <param name="IsAccount">A person who has signed in with an account; nodes of the version before do not say it.</param>
/// <param name="Right">The right that the request needs; nodes of the version before do not say it.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.caller")]
public sealed record Caller(
    [property: Id(0)] string TokenId,
    [property: Id(1)] string Name,
    [property: Id(2)] string? Address,
    [property: Id(3)] string? Reason,
    [property: Id(4)] bool IsAccount = false,
    [property: Id(5)] string? Right = null)
{
    private const string Key = "fleetmdm.caller";

    /// <summary>Who asks; null: the server itself, or an iPad.</summary>
    public static Caller? Current
    {
        get => RequestContext.Get(Key) as Caller;
        set
        {
            if (value is null) RequestContext.Remove(Key);
            else RequestContext.Set(Key, value);
        }
    }
}
