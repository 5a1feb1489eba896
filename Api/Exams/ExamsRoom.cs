using FleetMdm.Api.Access;
using FleetMdm.Api.Console;

namespace FleetMdm.Api.Exams;

/// <summary>Exams: iPads are locked into an app from a beginning to an end, and followed until each has said that it is released.</summary>
/// <remarks>Owns <c>/api/v1/exams</c>, <c>/exams</c>, the notice on an iPad's page, and the tables <c>exams</c> and <c>exam_devices</c>. Who sees iPads sees exams;
/// <see cref="Rights.ExamChange"/> changes them, together with the right of the command that locks and releases. Another room makes short exams by <see cref="ExamLocks"/>. The work is done
/// by each iPad's grain.</remarks>
internal static class ExamsRoom
{
    public static void AddExams(this IServiceCollection services)
    {
        services.AddSingleton<ExamService>();
        services.AddSingleton<ExamLocks>();
        services.AddSingleton<ExamChoices>();
        services.AddSingleton<IAttention, ExamAttention>();
        services.AddSingleton(new ConsoleEntry(25, "/exams", "Exams", "M6 9V7a4 4 0 0 1 8 0v2M5 9h10v8H5ZM10 12v2", 'x'));
    }

    public static void MapExams(this AdminRoutes routes)
    {
        ExamEndpoints.MapRest(routes.Api);
        ExamPages.MapPages(routes.Pages);
    }
}
