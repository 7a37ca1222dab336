"""What is wrong with a study: settings in a file, said like those of the command line."""

from r3gan.settings.problems import BadSettings, SettingProblem

StudyProblem = SettingProblem
StudyError = BadSettings
