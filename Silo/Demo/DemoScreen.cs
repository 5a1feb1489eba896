using System.Globalization;
using Spectre.Console;

namespace FleetMdm.Silo.Demo;

/// <summary>A stage of the demo stopped moving.</summary>
internal sealed class DemoStalledException(string message) : Exception(message);

/// <summary>Shows how far each stage is: bars on a terminal, plain lines otherwise.</summary>
internal abstract class DemoScreen(TimeProvider time)
{
    /// <summary>Far longer than any wait inside the server; the demo would rather fail than hang.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(150);

    public static DemoScreen Create(TimeProvider time) =>
        Console.IsOutputRedirected || !AnsiConsole.Profile.Capabilities.Interactive ? new PlainScreen(time) : new TerminalScreen(time);

    /// <summary>Runs the story; stages are shown while it runs.</summary>
    public abstract Task RunAsync(Func<Task> story);

    /// <summary>One stage: its work, and how many of a total are done.</summary>
    /// <exception cref="DemoStalledException">Nothing moved for a long time.</exception>
    public async Task StageAsync(string title, long total, Func<long> done, Func<CancellationToken, Task> work, CancellationToken cancellation)
    {
        var show = Begin(title, total);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var working = work(stop.Token);
        var (moved, last) = (time.GetTimestamp(), done());
        while (!working.IsCompleted)
        {
            await Task.WhenAny(working, Task.Delay(Glance, time, cancellation));
            var now = done();
            if (now != last)
                (moved, last) = (time.GetTimestamp(), now);
            show(now, working.IsCompletedSuccessfully);
            if (time.GetElapsedTime(moved) < Patience)
                continue;
            await stop.CancelAsync();
            throw new DemoStalledException($"{title}: {now} of {total}, and nothing moved for {Patience.TotalSeconds:0} seconds.");
        }
        await working;
        show(done(), true);
    }

    /// <returns>Called with how many are done, and whether the stage is over.</returns>
    protected abstract Action<long, bool> Begin(string title, long total);

    private sealed class TerminalScreen(TimeProvider time) : DemoScreen(time)
    {
        private ProgressContext? _context;

        public override Task RunAsync(Func<Task> story) => AnsiConsole.Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new CountColumn(), new ElapsedTimeColumn(), new SpinnerColumn())
            .StartAsync(async context =>
            {
                _context = context;
                await story();
            });

        protected override Action<long, bool> Begin(string title, long total)
        {
            var task = _context!.AddTask(Markup.Escape(title), maxValue: total);
            return (done, over) =>
            {
                task.Value = Math.Min(done, total);
                if (over)
                    task.StopTask();
            };
        }
    }

    private sealed class CountColumn : ProgressColumn
    {
        public override Spectre.Console.Rendering.IRenderable Render(Spectre.Console.Rendering.RenderOptions options, ProgressTask task, TimeSpan deltaTime) =>
            new Text(string.Create(CultureInfo.InvariantCulture, $"{task.Value:0} of {task.MaxValue:0}"));
    }

    private sealed class PlainScreen(TimeProvider time) : DemoScreen(time)
    {
        private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(5);
        private readonly TimeProvider _time = time;

        public override Task RunAsync(Func<Task> story) => story();

        protected override Action<long, bool> Begin(string title, long total)
        {
            var started = _time.GetTimestamp();
            var (shown, finished) = (started, false);
            return (done, over) =>
            {
                if (finished || (!over && _time.GetElapsedTime(shown) < BetweenLines))
                    return;
                (shown, finished) = (_time.GetTimestamp(), over);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{title}: {done} of {total}{(over ? $" in {_time.GetElapsedTime(started).TotalSeconds:0.0} s" : " …")}"));
            };
        }
    }
}
