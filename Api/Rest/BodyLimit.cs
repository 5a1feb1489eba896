using FleetMdm.Api.Limits;

namespace FleetMdm.Api.Rest;

/// <summary>Which limit of <see cref="LimitsOptions"/> bounds the body of an endpoint.</summary>
internal enum BodyLimit
{
    Ordinary,
    Command,
    Operation,
    /// <summary>A file with a list.</summary>
    Csv,
}

/// <summary>Endpoint metadata: the largest body.</summary>
internal sealed record BodyLimitMetadata(BodyLimit Limit)
{
    public static int BytesFor(HttpContext context, LimitsOptions limits) =>
        (context.GetEndpoint()?.Metadata.GetMetadata<BodyLimitMetadata>()?.Limit ?? BodyLimit.Ordinary) switch
        {
            BodyLimit.Command => limits.CommandBodyBytes,
            BodyLimit.Operation => limits.OperationBodyBytes,
            BodyLimit.Csv => ListReading.MostBytes,
            _ => limits.AdminBodyBytes,
        };
}
