using FleetMdm.Api.Exams;

namespace FleetMdm.Api.Teaching;

/// <summary>How an iPad stands in the lock of its class, in a teacher's words. Pure.</summary>
internal static class LessonWords
{
    public const string Locked = "locked", Waits = "waits", Releasing = "releasing", Released = "released";

    public static TaughtStandingView Of(ExamDeviceView one) => new()
    {
        State = one.State switch
        {
            "locked" => Locked,
            "planned" or "sent" or "failed" or "notPossible" => Waits,
            "releasing" => Releasing,
            _ => Released,
        },
        Why = one.Why.Trim(),
    };

    public static string Shown(string state) => state switch
    {
        Locked => "Locked",
        Waits => "Not locked yet",
        Releasing => "Not released yet",
        _ => "Released",
    };

    /// <summary>Of a badge.</summary>
    public static string? Tone(string state) => state switch
    {
        Locked => "good",
        Waits or Releasing => "warn",
        _ => null,
    };
}
