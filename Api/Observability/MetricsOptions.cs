namespace FleetMdm.Api.Observability;

/// <summary>Section <c>Metrics</c>.</summary>
public sealed class MetricsOptions
{
    public const string Section = "Metrics";

    /// <summary><c>/metrics</c> needs no token. Only where nobody else reaches the listener.</summary>
    public bool AllowAnonymous { get; set; }
}
