using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Push;

/// <summary>Section <c>Retention</c>.</summary>
public sealed class RetentionOptions
{
    public const string Section = "Retention";

    /// <summary>How many days finished commands and their reports are kept; 0 keeps them for ever.</summary>
    public int HistoryDays { get; set; } = 90;
}

internal sealed class RetentionOptionsValidator : IValidateOptions<RetentionOptions>
{
    private const int MostDays = 36_500;

    public ValidateOptionsResult Validate(string? name, RetentionOptions options) => options.HistoryDays is >= 0 and <= MostDays
        ? ValidateOptionsResult.Success
        : ValidateOptionsResult.Fail($"Retention:HistoryDays must be between 0 (for ever) and {MostDays}, not {options.HistoryDays}.");
}
